#include "tools/stream-get/options.h"

#include <limits>
#include <utility>

#include "tools/common/escapes.h"
#include "tools/common/units.h"
#include "tools/stream-get/define_consumer.h"

namespace shardlog::cli {

namespace {

void define_selection(OptionTable& options, GetCommand& command, OtherOptions& others) {
  options.group("What to read");
  const auto shard = options.list(
      "--shard", "ID",
      [&command](const std::string& text) {
        const auto id = ShardId::parse(text);
        if (!id) refuse_value("--shard", text, "is not a shard: shardId-000000000003, or 3");
        command.shards.push_back(*id);
      },
      "only this shard, can be repeated");
  const auto descendants =
      options.flag("--descendants", command.descendants, "and the shards that take over from it").needs(shard);
  const auto key =
      options.list("-k,--key", "KEY", command.keys, "only records of this key, can be repeated").excludes(shard);
  const auto from =
      options.value("--from", "POSITION", command.from,
                    "earliest, latest, last:N, at:SEQUENCE, after:SEQUENCE, or a TIME: RFC 3339, @EPOCH, 21:00, now, "
                    "today, yesterday, -10m, or as date prints it (earliest)");
  const auto until =
      options.value("--until", "POSITION", command.until, "before which to stop (the end as it was at the start)");
  const auto count = options.count(
      "-n,--count", 0, std::numeric_limits<std::int64_t>::max(),
      [&command](std::uint64_t number) { command.count = number; }, "at most N records");
  const auto sample = options.percent("--sample", command.sample, "an even share of them");
  options
      .choice(
          "--sample-by", {"record", "key"},
          [&command](bool second) { command.sample_by = second ? Sampler::By::key : Sampler::By::record; },
          "key: all records of a key or none (record)")
      .needs(sample);
  const auto strict =
      options.flag("--strict", command.strict, "fail where records that were asked for are trimmed, and stop at a gap");
  others.only_to_print = {descendants, key, until, sample};
  others.only_to_read = {count, strict};
  others.start = {from};
}

void define_following(OptionTable& options, GetCommand& command, OtherOptions& others) {
  options.group("Following");
  const auto follow = options.flag("-f,--follow", command.follow, "go on with what comes in");
  options.duration("--idle-exit", command.idle_exit, "end after this long with nothing to do").needs(follow);
  options
      .value(
          "--poll", "DURATION",
          [&command](const std::string& text) {
            command.poll = duration_of("--poll", text);
            if (command.poll == Duration(0)) refuse_value("--poll", text, "would never rest");
          },
          "look at this interval only, instead of being woken")
      .needs(follow);
  others.only_to_read.push_back(follow);
}

void define_form(OptionTable& options, OutputForm& form, OtherOptions& others) {
  const auto set = [&form](OutputForm::Kind kind, std::string text) { form = {kind, std::move(text)}; };
  const std::vector<OptionTable::Option> forms{
      options.flag(
          "-0,--null", [set] { set(OutputForm::Kind::delimited, std::string(1, '\0')); },
          "a NUL byte after each record, not a newline"),
      options.value(
          "-d,--delimiter", "STRING",
          [set](const std::string& text) {
            const auto delimiter = unescape(text);
            if (!delimiter)
              refuse_value("--delimiter", text, R"(is not a delimiter: an escape is \n, \t, \r, \0, \\ or \xHH)");
            set(OutputForm::Kind::delimited, *delimiter);
          },
          "this after each record; it may be empty"),
      options.flag(
          "--json", [set] { set(OutputForm::Kind::json, {}); },
          "an object a line: shard, sequence, key, hash_key, arrived, data or data_base64"),
      options.flag(
          "--frames", [set] { set(OutputForm::Kind::frames, {}); },
          "all that is known of each record, for stream-put --frames"),
      options.value(
          "--format", "TEMPLATE", [set](const std::string& text) { set(OutputForm::Kind::format, text); },
          "a line with {data}, {data:json}, {data:base64}, {key}, {key:json}, {shard}, {sequence}, {time}, "
          "{time:local}, {date}, {hash}")};
  OptionTable::exclude_each_other(forms);
  others.only_to_read.insert(others.only_to_read.end(), forms.begin(), forms.end());
}

}  // namespace

void define(OptionTable& options, GetCommand& command) {
  options.argument("STREAM", command.stream);
  OtherOptions others;
  define_selection(options, command, others);
  define_following(options, command, others);
  options.group("Output");
  define_form(options, command.form, others);
  others.only_to_print.push_back(options.value(
      "--replay", "SPEED",
      [&command](const std::string& text) {
        command.replay = parse_speed(text);
        if (!command.replay) refuse_value("--replay", text, "is not a speed: a number above 0, as 1x, 10x or 0.5x");
      },
      "keep the recorded pace, or a multiple of it: 1x, 10x, 0.5x"));
  define_consumer(options, command.consumer, others);
}

void check(const GetCommand& command) {
  check(command.consumer, command.shards.size());
  if (command.consumer.into && command.form.kind == OutputForm::Kind::format)
    throw Error(ErrorCode::usage, "--into: what COMMAND prints is read in the same form, and --format has no way back");
}

}  // namespace shardlog::cli
