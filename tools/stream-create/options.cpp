#include "tools/stream-create/options.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "shardlog/core/numbers.h"

namespace shardlog::cli {

namespace {

using Options = std::vector<OptionTable::Option>;
using ChangedTags = std::map<std::string, std::optional<std::string>>;

/// Sets the tag, or removes it if there is no value. Throws usage if the options both set and remove the same tag.
void change_tag(ChangedTags& tags, const std::string& key, const std::optional<std::string>& value) {
  const auto [tag, is_new] = tags.emplace(key, value);
  if (!is_new && tag->second.has_value() != value.has_value()) {
    refuse_value("--untag", key, "is not possible: --tag sets the same key");
  }
  tag->second = value;
}

void set_tag(ChangedTags& tags, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) refuse_value("--tag", text, "is not KEY=VALUE");
  change_tag(tags, text.substr(0, equals), text.substr(equals + 1));
}

void remove_tag(ChangedTags& tags, const std::string& key) {
  if (key.empty() || key.find('=') != std::string::npos) refuse_value("--untag", key, "is not the KEY of a tag");
  change_tag(tags, key, std::nullopt);
}

using LimitChange = std::optional<std::optional<std::uint64_t>>;

/// Sets those limits that no option of their own has set.
void preset(SettingsChange::LimitsChange& change, const capacity::Limits& limits) {
  const auto set = [](LimitChange& to, const std::optional<std::uint64_t>& limit) {
    if (!to) to = limit;
  };
  set(change.write_records, limits.write_records);
  set(change.write_bytes, limits.write_bytes);
  set(change.read_bytes, limits.read_bytes);
  set(change.read_calls, limits.read_calls);
}

std::uint64_t count_of(const std::string& option, const std::string& text) {
  const auto number = parse_number<std::uint64_t>(text);
  if (!number || *number == 0) refuse_value(option, text, "is not a number from 1 on, or none");
  return *number;
}

void define_limits(OptionTable& options, SettingsChange::LimitsChange& limits, Options& all) {
  using Parse = std::uint64_t(const std::string& option, const std::string& text);
  const auto limit = [&](const std::string& option, const std::string& type, LimitChange& into, Parse* parse,
                         const std::string& description) {
    const auto set = [&into, parse, option](const std::string& text) {
      into.emplace(text == "none" ? std::nullopt : std::optional(parse(option, text)));
    };
    all.push_back(options.value(option, type + "|none", set, description));
  };
  options.group("Limits of each shard, a second");
  all.push_back(options.choice(
      "--limits", {"none", "kinesis"},
      [&limits](std::size_t chosen) { preset(limits, chosen == 0 ? capacity::Limits() : capacity::kinesis_limits()); },
      "kinesis: 1000 records and 1MiB written, 2MiB and 5 reads read (none)"));
  limit("--write-records", "N", limits.write_records, &count_of, "records that are written");
  limit("--write-bytes", "SIZE", limits.write_bytes, &size_of, "bytes that are written, data and keys");
  limit("--read-bytes", "SIZE", limits.read_bytes, &size_of, "bytes that are read, data and keys");
  limit("--read-calls", "N", limits.read_calls, &count_of, "reads, each of up to 10MiB");
}

/// forever, a duration, or consumed, which may be followed by a comma and either of them.
void set_retention(SettingsChange& settings, const std::string& text) {
  constexpr std::string_view consumed = "consumed";
  settings.until_consumed = text == consumed || text.starts_with("consumed,");
  const std::string rest = *settings.until_consumed ? text.substr(std::min(consumed.size() + 1, text.size())) : text;
  const bool is_forever = rest == "forever" || text == consumed;
  settings.retention = is_forever ? forever : duration_of("--retention", rest);
}

void define_bound(OptionTable& options, CreateCommand& command, Options& all) {
  SettingsChange& settings = command.settings;
  all.push_back(options.value(
      "--max-bytes", "SIZE|none",
      [&settings](const std::string& text) {
        settings.max_bytes = text == "none" ? unbounded : size_of("--max-bytes", text);
      },
      "the most data and keys that the stream holds (none)"));
  constexpr std::array choices{WhenFull::block, WhenFull::trim, WhenFull::reject};
  all.push_back(options.choice(
      "--when-full", {"block", "trim", "reject"},
      [&settings, choices](std::size_t chosen) { settings.when_full = choices.at(chosen); },
      "with --max-bytes: writers wait, the oldest records go, or writers fail (block)"));
}

/// Returns --untag.
OptionTable::Option define_settings(OptionTable& options, CreateCommand& command, Options& all) {
  options.group("Settings");
  all.push_back(options.count(
      "-s,--shards", 1, max_shards,
      [&command](std::uint64_t count) { command.shards = static_cast<std::uint32_t>(count); },
      "how many shards, 1 to 10000 (1)"));
  all.push_back(options.choice(
      "--mode", {"provisioned", "on-demand"},
      [&command](std::size_t chosen) { command.settings.mode = chosen == 1 ? Mode::on_demand : Mode::provisioned; },
      "on-demand: writers split and merge the shards by the load (provisioned)"));
  all.push_back(options.size("--max-record-size", command.settings.max_record_size,
                             "data and key of the largest record, 1KiB to 10MiB (1MiB)"));
  all.push_back(options.value(
      "--retention", "DURATION|forever|consumed[,DURATION]",
      [&command](const std::string& text) { set_retention(command.settings, text); },
      "how long after its arrival a record can be read; consumed: until every consumer has passed it (forever)"));
  define_bound(options, command, all);
  constexpr std::array codecs{Compression::none, Compression::lz4, Compression::zstd};
  all.push_back(options.choice(
      "--compression", {"none", "lz4", "zstd"},
      [&command, codecs](std::size_t chosen) { command.settings.compression = codecs.at(chosen); },
      "how batches of records are compressed, if that makes them smaller (zstd)"));
  all.push_back(options.list(
      "--tag", "KEY=VALUE", [&tags = command.settings.tags](const std::string& text) { set_tag(tags, text); },
      "a note of your own, can be repeated"));
  all.push_back(options.list(
      "--untag", "KEY", [&tags = command.settings.tags](const std::string& key) { remove_tag(tags, key); },
      "with --update: remove a tag, can be repeated"));
  return all.back();
}

/// Returns --update.
OptionTable::Option define_creation(OptionTable& options, CreateCommand& command, Options& all) {
  options.group("Creation");
  all.push_back(options.value("--group", "NAME", command.group, "share the stream with a group of users"));
  all.push_back(
      options.flag("--if-missing", command.if_missing, "succeed if the stream exists, and say what is not as asked"));
  const auto update =
      options.flag("--update", command.update,
                   "change the given settings of a stream that exists; with --if-missing, create it if it does not");
  const auto repair_clock = options.flag("--repair-clock", command.settings.repair_clock,
                                         "with --update: bring arrivals that are in the future back to now");
  const auto accept_loss =
      options.flag("--accept-loss", command.settings.accept_loss,
                   "with --update: go on without the records that are missing at the end of a damaged stream");
  for (auto option : {repair_clock, accept_loss}) option.needs(update);
  all.insert(all.end(), {update, repair_clock, accept_loss});
  all.push_back(options.flag("--force", command.force, "create it even where SQLite's WAL is not safe"));
  return update;
}

}  // namespace

void define(OptionTable& options, CreateCommand& command) {
  options.argument("STREAM", command.stream);
  Options others;
  const auto untag = define_settings(options, command, others);
  define_limits(options, command.settings.limits, others);
  untag.needs(define_creation(options, command, others));
  options.group("Removal");
  const auto remove = options.flag("--remove", command.remove, "delete the stream and all its records");
  for (const auto& other : others) remove.excludes(other);
}

}  // namespace shardlog::cli
