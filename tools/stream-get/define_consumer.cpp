#include "tools/stream-get/define_consumer.h"

#include <fmt/format.h>

#include "shardlog/core/nearest.h"
#include "shardlog/log/stream.h"

namespace shardlog::cli {

namespace {

using Option = OptionTable::Option;

constexpr std::uint64_t most_workers = 256;
constexpr std::uint64_t most_retries = 1000;
constexpr Duration shortest_lease = std::chrono::milliseconds(100);
constexpr std::size_t longest_worker_name = 128;

void exclude_all(Option option, const std::vector<Option>& others) {
  for (const Option other : others) option.excludes(other);
}

void set_on_failure(ConsumerOptions& consumer, const std::string& text) {
  constexpr std::string_view dead_letter = "dead-letter:";
  if (text == "stop") {
    consumer.on_failure = OnFailure::stop;
  } else if (text == "skip") {
    consumer.on_failure = OnFailure::skip;
  } else if (text.starts_with(dead_letter) && text.size() > dead_letter.size()) {
    consumer.on_failure = OnFailure::dead_letter;
    consumer.dead_letters = text.substr(dead_letter.size());
  } else {
    refuse_value("--on-failure", text,
                 "is not stop, skip or dead-letter:STREAM" + did_you_mean(text, {"stop", "skip", "dead-letter:"}));
  }
}

std::vector<Option> define_sharing(OptionTable& options, ConsumerOptions& consumer) {
  return {options.value(
              "--worker", "ID",
              [&consumer](const std::string& text) {
                if (text.empty() || text.size() > longest_worker_name)
                  refuse_value("--worker", text, fmt::format("is not a name of 1 to {} bytes", longest_worker_name));
                consumer.worker = text;
              },
              "what this worker is called (host:pid)"),
          options.value(
              "--lease-duration", "DURATION",
              [&consumer](const std::string& text) {
                consumer.lease_duration = duration_of("--lease-duration", text);
                if (consumer.lease_duration < shortest_lease) refuse_value("--lease-duration", text, "is below 100ms");
              },
              "when a silent worker's shards are taken over (10s)")};
}

/// What makes sense with a command only.
std::vector<Option> define_exec(OptionTable& options, ConsumerOptions& consumer) {
  return {options.count(
              "--workers", 1, most_workers, [&consumer](std::uint64_t count) { consumer.workers = count; },
              "how many workers this process has (1)"),
          options.count(
              "--batch", 1, max_batch_records, [&consumer](std::uint64_t count) { consumer.batch_records = count; },
              "at most N records for one COMMAND (1000)"),
          options.value(
              "--batch-bytes", "SIZE",
              [&consumer](const std::string& text) {
                consumer.batch_bytes = size_of("--batch-bytes", text);
                if (consumer.batch_bytes == 0) refuse_value("--batch-bytes", text, "holds no record");
              },
              "at most this many bytes, or one record (1MiB)"),
          options.duration("--batch-wait", consumer.batch_wait, "how long to wait for a full batch (0)"),
          options.count(
              "--retries", 0, most_retries, [&consumer](std::uint64_t count) { consumer.retries = count; },
              "how often a COMMAND that failed is tried again (3)"),
          options.value(
              "--on-failure", "WHAT", [&consumer](const std::string& text) { set_on_failure(consumer, text); },
              "then, with the records that fail: stop, skip, or dead-letter:STREAM (stop)"),
          options.value(
              "--into", "STREAM",
              [&consumer](const std::string& text) {
                if (text.empty()) refuse_value("--into", text, "is not a stream");
                consumer.into = text;
              },
              "what COMMAND prints is put there, exactly once")};
}

}  // namespace

void define_consumer(OptionTable& options, ConsumerOptions& consumer, const OtherOptions& others) {
  options.group("Consumers");
  const auto name = options.value(
      "-c,--consumer", "NAME",
      [&consumer](const std::string& text) {
        check_consumer_name(text);
        consumer.name = text;
      },
      "go on where NAME stopped; all that use a NAME share the shards");
  exclude_all(name, others.only_to_print);
  const std::vector<Option> sharing = define_sharing(options, consumer);
  const auto exec = options.value(
      "--exec", "COMMAND",
      [&consumer](const std::string& text) {
        if (text.empty()) refuse_value("--exec", text, "is not a command");
        consumer.exec = text;
      },
      "run for every batch, the records on its stdin; exit 0 moves the checkpoint");
  exec.needs(name);
  const std::vector<Option> with_exec = define_exec(options, consumer);
  for (const Option option : with_exec) option.needs(exec);
  const auto seek = options.value("--seek", "POSITION", consumer.seek,
                                  "set NAME's checkpoints, with --shard that of one shard, and exit");
  options.flag("--new", consumer.make, "with --seek: make NAME, which is not there yet").needs(seek);
  const auto forget = options.flag("--forget", consumer.forget, "remove NAME and exit");
  options.flag("--force", consumer.force, "though a worker holds shards, which loses them").needs(name);
  const auto no_checkpoint =
      options.flag("--no-checkpoint", consumer.no_checkpoint, "print what NAME would, and change nothing");

  for (const Option option : sharing) option.needs(name);
  for (const Option option : {seek, forget, no_checkpoint}) {
    option.needs(name).excludes(exec);
    exclude_all(option, sharing);
    exclude_all(option, others.start);
  }
  for (const Option option : {seek, forget}) exclude_all(option, others.only_to_read);
  OptionTable::exclude_each_other({seek, forget, no_checkpoint});
}

void check(const ConsumerOptions& consumer, std::size_t shards) {
  if (consumer.name && shards > 0 && !consumer.seek)
    throw Error(ErrorCode::usage, "--shard: a consumer reads all shards; with --consumer it goes with --seek only");
  if (consumer.seek && shards > 1) throw Error(ErrorCode::usage, "--seek: takes one --shard, or none");
  if (consumer.force && !consumer.seek && !consumer.forget)
    throw Error(ErrorCode::usage, "--force: goes with --seek or --forget only");
}

}  // namespace shardlog::cli
