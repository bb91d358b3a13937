#include "tools/stream-get/options.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "shardlog/core/nearest.h"
#include "tools/common/escapes.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

using Option = OptionTable::Option;

constexpr std::uint64_t most_workers = 256;
constexpr std::uint64_t most_retries = 1000;
constexpr Duration shortest_lease = std::chrono::milliseconds(100);
constexpr std::size_t longest_worker_name = 128;

/// How the other options go together with those about consumers.
struct OtherOptions {
  std::vector<Option> only_to_print;  ///< exclude a consumer
  std::vector<Option> only_to_read;   ///< exclude --seek and --forget, which read nothing
  std::vector<Option> start;          ///< where to begin
};

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
      options.value("--until", "POSITION", command.until, "where to stop (the end when the program started)");
  const auto count = options.count(
      "-n,--count", 0, std::numeric_limits<std::int64_t>::max(),
      [&command](std::uint64_t number) { command.count = number; }, "at most N records");
  const auto sample = options.percent("--sample", command.sample, "only an even share of the records");
  options
      .choice(
          "--sample-by", {"record", "key"},
          [&command](bool second) { command.sample_by = second ? Sampler::By::key : Sampler::By::record; },
          "key: all records of a key or none (record)")
      .needs(sample);
  const auto strict =
      options.flag("--strict", command.strict, "fail if records asked for were trimmed, and stop at a gap");
  others.only_to_print = {descendants, key, until, sample};
  others.only_to_read = {count, strict};
  others.start = {from};
}

void define_following(OptionTable& options, GetCommand& command, OtherOptions& others) {
  options.group("Following");
  const auto follow = options.flag("-f,--follow", command.follow, "keep reading as records arrive");
  options.duration("--idle-exit", command.idle_exit, "end after this long with nothing to do").needs(follow);
  options
      .value(
          "--poll", "DURATION",
          [&command](const std::string& text) {
            command.poll = duration_of("--poll", text);
            if (command.poll == Duration(0)) refuse_value("--poll", text, "would never rest");
          },
          "look for records at this interval, not at each commit")
      .needs(follow);
  others.only_to_read.push_back(follow);
}

void define_form(OptionTable& options, OutputForm& form, OtherOptions& others) {
  const auto set = [&form](OutputForm::Kind kind, std::string text) { form = {kind, std::move(text)}; };
  const std::vector<Option> forms{
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
          "one object per line: shard, sequence, key, hash_key, arrived, data or data_base64"),
      options.flag(
          "--frames", [set] { set(OutputForm::Kind::frames, {}); },
          "everything about each record, for stream-put --frames"),
      options.value(
          "--format", "TEMPLATE", [set](const std::string& text) { set(OutputForm::Kind::format, text); },
          "a line with {data}, {data:json}, {data:base64}, {key}, {key:json}, {shard}, {sequence}, {time}, "
          "{time:local}, {date}, {hash}")};
  OptionTable::exclude_each_other(forms);
  others.only_to_read.insert(others.only_to_read.end(), forms.begin(), forms.end());
}

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
                consumer.worker.worker = text;
              },
              "the name of this worker (host:pid)"),
          options.value(
              "--lease-duration", "DURATION",
              [&consumer](const std::string& text) {
                consumer.worker.lease_duration = duration_of("--lease-duration", text);
                if (consumer.worker.lease_duration < shortest_lease)
                  refuse_value("--lease-duration", text, "is below 100ms");
              },
              "how long a worker may be silent before it loses its shards (10s)")};
}

/// The options that need a command.
std::vector<Option> define_exec(OptionTable& options, ConsumerOptions& consumer) {
  return {
      options.count(
          "--workers", 1, most_workers, [&consumer](std::uint64_t count) { consumer.worker.workers = count; },
          "how many workers this process has (1)"),
      options.count(
          "--batch", 1, max_batch_records, [&consumer](std::uint64_t count) { consumer.worker.batch.records = count; },
          "at most N records for one COMMAND (1000)"),
      options.value(
          "--batch-bytes", "SIZE",
          [&consumer](const std::string& text) {
            consumer.worker.batch.bytes = size_of("--batch-bytes", text);
            if (consumer.worker.batch.bytes == 0) refuse_value("--batch-bytes", text, "holds no record");
          },
          "at most this many bytes, or one record (1MiB)"),
      options.duration("--batch-wait", consumer.worker.batch.wait, "how long to wait for a full batch (0)"),
      options.count(
          "--retries", 0, most_retries, [&consumer](std::uint64_t count) { consumer.retries = count; },
          "how often to retry a COMMAND that failed (3)"),
      options.value(
          "--on-failure", "WHAT", [&consumer](const std::string& text) { set_on_failure(consumer, text); },
          "what to do with a record that still fails: stop, skip, or dead-letter:STREAM (stop)"),
      options.value(
          "--into", "STREAM",
          [&consumer](const std::string& text) {
            if (text.empty()) refuse_value("--into", text, "is not a stream");
            consumer.into = text;
          },
          "put what COMMAND prints there, exactly once")};
}

void define_consumer(OptionTable& options, ConsumerOptions& consumer, const OtherOptions& others) {
  options.group("Consumers");
  const auto name = options.value(
      "-c,--consumer", "NAME",
      [&consumer](const std::string& text) {
        check_consumer_name(text);
        consumer.name = text;
      },
      "go on where NAME stopped; all users of a NAME share the shards");
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
                                  "set NAME's checkpoints, or with --shard one of them, and exit");
  options.flag("--new", consumer.make, "with --seek: make NAME if it does not exist").needs(seek);
  const auto forget = options.flag("--forget", consumer.forget, "remove NAME and exit");
  options.flag("--force", consumer.force, "seek or forget even if a worker holds shards, which it loses").needs(name);
  const auto no_checkpoint =
      options.flag("--no-checkpoint", consumer.no_checkpoint, "print what NAME would read, and change nothing");

  for (const Option option : sharing) option.needs(name);
  for (const Option option : {seek, forget, no_checkpoint}) {
    option.needs(name).excludes(exec);
    exclude_all(option, sharing);
    exclude_all(option, others.start);
  }
  for (const Option option : {seek, forget}) exclude_all(option, others.only_to_read);
  OptionTable::exclude_each_other({seek, forget, no_checkpoint});
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
  const ConsumerOptions& consumer = command.consumer;
  if (consumer.name && !command.shards.empty() && !consumer.seek)
    throw Error(ErrorCode::usage, "--shard: a consumer reads all shards; with --consumer it needs --seek");
  if (consumer.seek && command.shards.size() > 1) throw Error(ErrorCode::usage, "--seek: takes one --shard, or none");
  if (consumer.force && !consumer.seek && !consumer.forget)
    throw Error(ErrorCode::usage, "--force: goes with --seek or --forget only");
  if (consumer.into && command.form.kind == OutputForm::Kind::format)
    throw Error(ErrorCode::usage,
                "--into: reads what COMMAND prints in the form of its input, and --format cannot be read back");
}

}  // namespace shardlog::cli
