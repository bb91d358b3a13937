#include "tools/stream-put/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/numbers.h"
#include "shardlog/core/printable.h"
#include "tools/common/escapes.h"

namespace shardlog::cli {

namespace {

void check_producer_id(const std::string& id) {
  constexpr std::size_t longest = 256;
  if (id.empty() || id.size() > longest || printable(id) != id) {
    refuse_value("--producer", id,
                 fmt::format("is not an id: 1 to {} bytes of UTF-8 without control characters", longest));
  }
}

/// A string that is not empty and in which escapes are read.
std::string unescaped(const std::string& option, const std::string& text, const std::string& what) {
  auto result = unescape(text);
  if (!result || result->empty())
    refuse_value(option, text, "is not a " + what + R"(: it must not be empty; escapes are \n \t \r \0 \\ and \xHH)");
  return std::move(*result);
}

void define_framing(OptionTable& options, PutCommand& command) {
  Framing& framing = command.framing;
  const auto set_kind = [&framing](Framing::Kind kind) { return [&framing, kind] { framing.kind = kind; }; };
  const auto end_with = [&framing](std::string delimiter) {
    framing.delimiter = std::move(delimiter);
    framing.bytes = true;
  };
  options.group("Framing (without these options, each line is a record)");
  OptionTable::exclude_each_other(
      {options.flag(
           "-0,--null", [end_with] { end_with(std::string(1, '\0')); }, "a NUL byte ends a record, not a newline"),
       options.value(
           "-d,--delimiter", "STRING",
           [end_with](const std::string& text) { end_with(unescaped("--delimiter", text, "delimiter")); },
           "STRING ends a record"),
       options.flag("--csv", set_kind(Framing::Kind::csv),
                    "a record is a CSV record: quoted fields may have many lines"),
       options.value(
           "--record-start", "RE",
           [&framing](const std::string& text) {
             framing.kind = Framing::Kind::record_start;
             framing.record_start = text;
           },
           "a record begins at a line that RE matches"),
       options.flag("--whole", set_kind(Framing::Kind::whole), "each FILE is one record"),
       options.flag("--json", set_kind(Framing::Kind::json), "each line is an object, as stream-get --json prints it"),
       options.flag("--frames", set_kind(Framing::Kind::frames), "binary frames, as stream-get --frames writes them")});
  options.flag("--header", framing.header,
               "with --csv: the first record of a FILE names the fields, and is not stored");
  options.flag("--keep-times", command.keep_times, "with --frames: records keep their arrival times");
}

/// A number, or a name that is looked up in the header.
KeyField separated_field(const std::string& text, std::vector<std::string>& names) {
  constexpr std::uint32_t most = 1'000'000;
  KeyField field{KeyField::Kind::separated};
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
    field.name = names.size();
    names.push_back(text);
    return field;
  }
  field.number = parse_number<std::uint32_t>(text).value_or(0);
  if (field.number < 1 || field.number > most) {
    refuse_value("--key-field", text, fmt::format("is not a number from 1 to {}", most));
  }
  return field;
}

void define_key_fields(OptionTable& options, KeyOptions& key, Framing& framing, const OptionTable::Option& constant) {
  const auto list = [&](const std::string& name, const std::string& type, const auto& field_of,
                        const std::string& description) {
    const auto add = [&key, field_of](const std::string& text) { key.fields.push_back(field_of(text)); };
    constant.excludes(options.list(name, type, add, description));
  };
  list(
      "--key-field", "N|NAME", [&framing](const std::string& text) { return separated_field(text, framing.names); },
      "the Nth field, counted from 1; with --header also a name");
  options.value(
      "-F,--field-separator", "STRING",
      [&framing](const std::string& text) {
        framing.field_separator = unescaped("--field-separator", text, "separator");
      },
      "the text between fields (runs of blanks, as in awk; with --csv a comma)");
  list(
      "--key-delimiter", "STRING",
      [](const std::string& text) {
        return KeyField{KeyField::Kind::delimiter, unescaped("--key-delimiter", text, "delimiter")};
      },
      "the text before STRING; both are taken off the record");
  list(
      "--key-json", "POINTER",
      [](const std::string& text) {
        return KeyField{KeyField::Kind::pointer, text};
      },
      "the value in a JSON record that POINTER (/customer/id) leads to");
  list(
      "--key-regex", "RE",
      [](const std::string& text) {
        return KeyField{KeyField::Kind::regex, text};
      },
      "what group 1 of a Perl-compatible expression matches, or the whole match");
}

void define_key(OptionTable& options, KeyOptions& key, Framing& framing) {
  options.group("Partition key");
  define_key_fields(options, key, framing, options.value("-k,--key", "KEY", key.constant, "this key for all records"));
  options.value("--missing-key", "error|none|KEY", key.missing,
                "for a record without a usable key: error, none, or this KEY (error)");
  options.value(
      "--hash-key", "DECIMAL",
      [&key](const std::string& text) {
        key.hash_key = HashKey::parse(text);
        if (!key.hash_key) refuse_value("--hash-key", text, "is not a decimal number from 0 to 2^128-1");
      },
      "this explicit hash key for all records: it chooses the shard instead of the key");
}

void define_delivery(OptionTable& options, PutCommand& command) {
  options.group("Delivery");
  options.flag("--ack", command.ack, "print shard TAB sequence for each record, after its commit");
  options.choice(
      "--sync", {"full", "normal"},
      [&command](bool second) {
        command.sync = second ? Sync::normal : Sync::full;
        command.full_sync_asked = !second;
      },
      "what stored records survive; full: a power cut; normal: only the end of any process (full)");
  options.duration("--linger", command.linger, "how long to wait for a full batch (0)");
  options.choice(
      "--on-error", {"stop", "skip"}, [&command](bool second) { command.skip_errors = second; },
      "what to do about a record that breaks a rule (stop)");

  options.group("Putting less");
  options.count(
      "--rate", 1, 1'000'000'000, [&command](std::uint64_t rate) { command.rate = rate; },
      "at most N records a second, evenly");
  const auto sample = options.percent("--sample", command.sample_percent, "keep an even share of the records");
  options
      .choice(
          "--sample-by", {"record", "key"},
          [&command](bool second) { command.sample_by = second ? Sampler::By::key : Sampler::By::record; },
          "key: keep all records of a key or none (record)")
      .needs(sample);
  options.choice(
      "--on-throttle", {"block", "fail", "drop", "sample"},
      [&command](std::size_t chosen) { command.on_throttle = static_cast<OnThrottle>(chosen); },
      "what to do when the stream's limits leave no capacity; sample: apply --sample then, and only then (block)");
}

void define_exactly_once(OptionTable& options, PutCommand& command) {
  options.group("Exactly once");
  const auto producer = options.value(
      "--producer", "ID",
      [&command](const std::string& id) {
        check_producer_id(id);
        command.producer = id;
      },
      "a run with the same ID and input goes on where the last run stopped");
  options.flag("--forget", command.forget, "remove what is known of the producer, and store nothing").needs(producer);
}

void check_fields(const PutCommand& command) {
  const Framing& framing = command.framing;
  const bool csv = framing.kind == Framing::Kind::csv;
  if (framing.header && !csv) throw Error(ErrorCode::usage, "--header: it goes with --csv");
  if (!framing.names.empty() && !framing.header) {
    refuse_value("--key-field", framing.names.front(), "is not a number from 1 on; a name goes with --csv --header");
  }
  const std::string& separator = framing.field_separator;
  if (csv && (separator.size() > 1 || separator.find_first_of("\"\r\n") != std::string::npos)) {
    refuse_value("--field-separator", separator, "is not what --csv takes: one byte, and no quote or line end");
  }
  const auto is_separated = [](const KeyField& field) { return field.kind == KeyField::Kind::separated; };
  if (!separator.empty() && !csv && std::ranges::none_of(command.key.fields, is_separated)) {
    throw Error(ErrorCode::usage, "--field-separator: it goes with --key-field or --csv");
  }
}

}  // namespace

void define(OptionTable& options, PutCommand& command) {
  options.argument("STREAM", command.stream);
  options.arguments("FILE", command.files);
  define_framing(options, command);
  define_key(options, command.key, command.framing);
  define_delivery(options, command);
  define_exactly_once(options, command);
}

std::size_t KeyOptions::taken_off() const {
  std::size_t most = 0;
  for (const KeyField& field : fields) {
    if (field.kind == KeyField::Kind::delimiter) most += field.text.size();
  }
  return most;
}

void check(const PutCommand& command) {
  check_fields(command);
  const KeyOptions& key = command.key;
  const auto refuse_if = [](bool wrong, const char* why) {
    if (wrong) throw Error(ErrorCode::usage, why);
  };
  refuse_if(command.keep_times && command.framing.kind != Framing::Kind::frames,
            "--keep-times: it goes with --frames, which bring the arrival times");
  refuse_if(command.framing.keyed() && (key.any() || key.missing),
            "--json and --frames: their records bring their own keys, so no other option about keys goes with them");
  refuse_if(key.missing && key.fields.empty(),
            "--missing-key: it goes with --key-field, --key-json, --key-regex or --key-delimiter");
  const bool samples_always = command.sample_percent && command.on_throttle != OnThrottle::sample;
  refuse_if(command.on_throttle == OnThrottle::sample && !command.sample_percent,
            "--on-throttle sample: it needs --sample, the share of the records to keep");
  refuse_if(command.producer && samples_always, "--producer: it stores every record, so --sample does not go with it");
  refuse_if(command.producer && command.sync == Sync::normal,
            "--producer: a power cut must not take what was stored, so --sync normal does not go with it");
  refuse_if(command.forget && !command.files.empty(), "--forget: it reads no FILE");
}

}  // namespace shardlog::cli
