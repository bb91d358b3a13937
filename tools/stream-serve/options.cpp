#include "tools/stream-serve/options.h"

#include "shardlog/kinesis/arn.h"

namespace shardlog::serve {

void define(cli::OptionTable& options, ServeCommand& command) {
  options.argument("DIRECTORY", command.directory);

  options.group("Who may connect");
  options.value("--listen", "HOST:PORT", command.listen,
                "where to listen on this machine; port 0 takes a free one (127.0.0.1:4567)");
  options.list("--allow-host", "NAME", command.hosts, "answer requests that are sent to this name, too");
  options.list("--allow-origin", "ORIGIN", command.origins, "answer requests of web pages from this origin, or *");
  options.value("--credentials", "FILE", command.credentials,
                "verify signatures with the access keys in FILE, which has the form of ~/.aws/credentials");

  options.group("What clients see");
  options.value("--account", "NUMBER", command.account, "the account in ARNs and messages (000000000000)");
  options.value("--region", "NAME", command.region, "the region in ARNs (that for which a request is signed)");
  options.count(
      "--shard-limit", 1, UINT32_MAX,
      [&command](std::uint64_t value) { command.shard_limit = static_cast<std::uint32_t>(value); },
      "how many shards of all streams together clients may have open (10000)");
  options.duration("--transition", command.transition,
                   "how long a stream is CREATING, UPDATING or DELETING after such an action (0s)");
  options.flag("--throttle", command.throttle, "refuse what is over the limits of a shard of Kinesis");

  options.group("Durability");
  options.choice(
      "--sync", {"full", "normal"},
      [&command](std::size_t chosen) { command.sync = chosen == 0 ? Sync::full : Sync::normal; },
      "full: what is answered survives a power cut; normal: the end of any process (full)");
}

void check(const ServeCommand& command) {
  if (!kinesis::is_account_id(command.account)) {
    cli::refuse_value("--account", command.account, "is not an account: 12 digits");
  }
}

}  // namespace shardlog::serve
