#include "tools/stream-put/options.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/core/printable.h"
#include "tools/common/escapes.h"

namespace shardlog::cli {

namespace {

void check_producer_id(const std::string& id) {
  constexpr std::size_t longest = 256;
  if (id.empty() || id.size() > longest || printable(id) != id) {
    refuse_value("--producer", id, fmt::format("is no id: 1 to {} bytes of UTF-8 without control characters", longest));
  }
}

/// A string that may be written with escapes and is not empty.
std::string unescaped(const std::string& option, const std::string& text, const std::string& what) {
  auto result = unescape(text);
  if (!result || result->empty())
    refuse_value(option, text, "is no " + what + R"(: a string, in which \n \t \r \0 \\ and \xHH are read)");
  return std::move(*result);
}

void define_framing(OptionTable& options, PutCommand& command) {
  Framing& framing = command.framing;
  const auto set_kind = [&framing](Framing::Kind kind) { return [&framing, kind] { framing.kind = kind; }; };
  options.group("Framing (lines where none is given)");
  OptionTable::exclude_each_other(
      {options.flag(
           "-0,--null", [&framing] { framing.delimiter = std::string(1, '\0'); },
           "a NUL byte ends a record, not a newline"),
       options.value(
           "-d,--delimiter", "STRING",
           [&framing](const std::string& text) { framing.delimiter = unescaped("--delimiter", text, "delimiter"); },
           "this ends a record"),
       options.flag("--whole", set_kind(Framing::Kind::whole), "each FILE is one record"),
       options.flag("--json", set_kind(Framing::Kind::json), "an object a line, as stream-get --json prints them"),
       options.flag("--frames", set_kind(Framing::Kind::frames), "as stream-get --frames writes them")});
  options.flag("--keep-times", command.keep_times, "with --frames: records keep their arrival times");
}

void define_key(OptionTable& options, KeyOptions& key) {
  options.group("Partition key");
  const auto constant = options.value("-k,--key", "KEY", key.constant, "this key for all records");
  const auto field = options.count(
      "--key-field", 1, 1'000'000, [&key](std::uint64_t number) { key.field = static_cast<std::uint32_t>(number); },
      "the Nth field, counted from 1");
  options
      .value(
          "-F,--field-separator", "STRING",
          [&key](const std::string& text) { key.field_separator = unescaped("--field-separator", text, "separator"); },
          "what stands between fields (runs of blanks, as awk has it)")
      .needs(field);
  const auto pointer =
      options.value("--key-json", "POINTER", key.pointer, "what a JSON pointer (/customer/id) leads to in it");
  const auto regex = options.value("--key-regex", "RE", key.regex,
                                   "what group 1 of a Perl-compatible expression matches, or the whole match");
  OptionTable::exclude_each_other({constant, field, pointer, regex});
  options.value("--missing-key", "error|none|KEY", key.missing,
                "for a record without one: error, none, or this KEY (error)");
  options.value(
      "--hash-key", "DECIMAL",
      [&key](const std::string& text) {
        key.hash_key = HashKey::parse(text);
        if (!key.hash_key) refuse_value("--hash-key", text, "is no decimal number from 0 to 2^128-1");
      },
      "this explicit hash key for all records: it chooses the shard, not the key");
}

void define_delivery(OptionTable& options, PutCommand& command) {
  options.group("Delivery");
  options.flag("--ack", command.ack, "print shard TAB sequence for each record, after its commit");
  options.choice(
      "--sync", {"full", "normal"}, [&command](bool second) { command.sync = second ? Sync::normal : Sync::full; },
      "full: what is acknowledged survives a power cut; normal: the end of any process (full)");
  options.duration("--linger", command.linger, "wait so long to fill a batch (0)");
  options.choice(
      "--on-error", {"stop", "skip"}, [&command](bool second) { command.skip_errors = second; },
      "what to do about a record that breaks a rule (stop)");

  options.group("Putting less");
  options.count(
      "--rate", 1, 1'000'000'000, [&command](std::uint64_t rate) { command.rate = rate; },
      "at most N records a second, evenly");
  const auto sample = options.percent("--sample", command.sample.percent, "keep an even share of the records");
  options
      .choice(
          "--sample-by", {"record", "key"},
          [&command](bool second) { command.sample.by = second ? Sampler::By::key : Sampler::By::record; },
          "key: keep all records of a key or none (record)")
      .needs(sample);
}

void define_exactly_once(OptionTable& options, PutCommand& command) {
  options.group("Exactly once");
  const auto producer = options.value(
      "--producer", "ID",
      [&command](const std::string& id) {
        check_producer_id(id);
        command.producer = id;
      },
      "run again with the same ID and input, it goes on where the last run stopped");
  options.flag("--forget", command.forget, "remove what is known of the producer, and store nothing").needs(producer);
}

}  // namespace

void define(OptionTable& options, PutCommand& command) {
  options.argument("STREAM", command.stream);
  options.arguments("FILE", command.files);
  define_framing(options, command);
  define_key(options, command.key);
  define_delivery(options, command);
  define_exactly_once(options, command);
}

void check(const PutCommand& command) {
  const KeyOptions& key = command.key;
  if (command.keep_times && command.framing.kind != Framing::Kind::frames) {
    throw Error(ErrorCode::usage, "--keep-times: it goes with --frames, which bring the arrival times");
  }
  if (command.framing.keyed() && (key.any() || key.missing)) {
    throw Error(
        ErrorCode::usage,
        "--json and --frames: their records bring their own keys, so no other option about keys goes with them");
  }
  if (key.missing && !key.extracted()) {
    throw Error(ErrorCode::usage, "--missing-key: it goes with --key-field, --key-json or --key-regex");
  }
  if (command.producer && command.sample.percent) {
    throw Error(ErrorCode::usage, "--producer: it stores every record, so --sample does not go with it");
  }
  if (command.producer && command.sync == Sync::normal) {
    throw Error(ErrorCode::usage,
                "--producer: a power cut must not take what was stored, so --sync normal does not go with it");
  }
  if (command.forget && !command.files.empty()) {
    throw Error(ErrorCode::usage, "--forget: it reads no FILE");
  }
}

}  // namespace shardlog::cli
