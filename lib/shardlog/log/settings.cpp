#include "shardlog/log/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "shardlog/core/error.h"
#include "shardlog/core/utf8.h"

namespace shardlog {

namespace {

// Kinesis API, "Tag".
constexpr std::size_t max_tags = 50;
constexpr std::size_t max_tag_key = 128;
constexpr std::size_t max_tag_value = 256;

constexpr std::array<std::string_view, 3> when_full_texts{"block", "trim", "reject"};  // in the order of WhenFull

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::usage, message);
}

void check_tag(const std::string& key, const std::string& value) {
  const auto key_length = utf8_length(key);
  const auto value_length = utf8_length(value);
  if (!key_length || !value_length) refuse("tag " + quote(key) + ": not valid UTF-8");
  if (*key_length == 0 || *key_length > max_tag_key) {
    refuse(fmt::format("tag {}: a key has 1 to {} characters", quote(key), max_tag_key));
  }
  if (*value_length > max_tag_value) {
    refuse(fmt::format("tag {}: a value has at most {} characters", quote(key), max_tag_value));
  }
}

constexpr std::uint64_t largest_limit = 1UL << 40;  // a second

void check_limit(const char* what, const std::optional<std::uint64_t>& limit, std::uint64_t least) {
  if (!limit || (*limit >= least && *limit <= largest_limit)) return;
  refuse(fmt::format("limit of {} {} a second and shard: it is {} to {}, or none", *limit, what, least, largest_limit));
}

/// A record of the largest size must be earned in a minute, or a writer would seem to hang.
void check(const capacity::Limits& limits, std::uint64_t max_record_size) {
  constexpr std::uint64_t longest_wait = 60;  // seconds
  check_limit("records", limits.write_records, 1);
  check_limit("reads", limits.read_calls, 1);
  check_limit("bytes read", limits.read_bytes, 1);
  check_limit("bytes written", limits.write_bytes, 1);
  if (limits.write_bytes && *limits.write_bytes * longest_wait < max_record_size) {
    refuse(
        fmt::format("limit of {} bytes written a second and shard: a record of {} bytes, which the stream allows, "
                    "would take more than a minute; give at least {}, or a smaller maximum record size",
                    *limits.write_bytes, max_record_size, (max_record_size + longest_wait - 1) / longest_wait));
  }
}

}  // namespace

void apply(capacity::Limits& limits, const SettingsChange::LimitsChange& change) {
  if (change.write_records) limits.write_records = *change.write_records;
  if (change.write_bytes) limits.write_bytes = *change.write_bytes;
  if (change.read_bytes) limits.read_bytes = *change.read_bytes;
  if (change.read_calls) limits.read_calls = *change.read_calls;
}

void check_consumer_name(const std::string& name) {
  constexpr std::size_t longest = 128;
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (name.empty() || name.size() > longest || name.find_first_not_of(allowed) != std::string::npos) {
    refuse(fmt::format("consumer {}: a consumer's name has 1 to {} characters of a-z A-Z 0-9 _ . -", quote(name),
                       longest));
  }
}

std::string_view to_string(Mode mode) {
  return mode == Mode::on_demand ? "on-demand" : "provisioned";
}

std::optional<Mode> parse_mode(std::string_view name) {
  for (const Mode mode : {Mode::provisioned, Mode::on_demand}) {
    if (name == to_string(mode)) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(WhenFull when_full) {
  return when_full_texts.at(static_cast<std::size_t>(when_full));
}

std::optional<WhenFull> parse_when_full(std::string_view text) {
  const auto* const found = std::find(when_full_texts.begin(), when_full_texts.end(), text);
  if (found == when_full_texts.end()) return std::nullopt;
  return static_cast<WhenFull>(found - when_full_texts.begin());
}

void apply(StreamSettings& to, const SettingsChange& change) {
  to.max_record_size = change.max_record_size.value_or(to.max_record_size);
  to.retention = change.retention.value_or(to.retention);
  to.until_consumed = change.until_consumed.value_or(to.until_consumed);
  to.max_bytes = change.max_bytes.value_or(to.max_bytes);
  to.when_full = change.when_full.value_or(to.when_full);
  to.compression = change.compression.value_or(to.compression);
  to.mode = change.mode.value_or(to.mode);
  apply(to.limits, change.limits);
  change_values(to.tags, change.tags);
  check(to);
}

std::uint64_t most_at_once(const StreamSettings& settings) {
  constexpr std::uint64_t parts = 16;
  if (settings.max_bytes == unbounded) return unbounded;
  return std::max(settings.max_bytes / parts, settings.max_record_size);
}

std::optional<Timestamp> expiry(Duration retention, Timestamp now) {
  const std::int64_t since = now.time_since_epoch().count();
  if (retention == forever || since < std::numeric_limits<std::int64_t>::min() + retention.count()) return std::nullopt;
  return now - retention;
}

void check(const StreamSettings& settings) {
  if (settings.max_record_size < smallest_max_record_size || settings.max_record_size > largest_max_record_size) {
    refuse(fmt::format("maximum record size of {} bytes: it must be 1KiB to 10MiB", settings.max_record_size));
  }
  if (settings.retention <= Duration(0)) refuse("a retention of 0 would keep nothing: give a longer one, or forever");
  check(settings.limits, settings.max_record_size);
  constexpr std::uint64_t most = std::uint64_t{1} << 60U;
  if (settings.max_bytes != unbounded && settings.max_bytes > most) {
    refuse(fmt::format("at most {} bytes: the largest bound is 2^60 bytes", settings.max_bytes));
  }
  if (settings.max_bytes < settings.max_record_size) {
    refuse(
        fmt::format("at most {} bytes: that is less than the largest record, {} bytes; allow more, or smaller records",
                    settings.max_bytes, settings.max_record_size));
  }
  if (settings.tags.size() > max_tags) {
    refuse(fmt::format("{} tags: a stream has at most {}", settings.tags.size(), max_tags));
  }
  for (const auto& [key, value] : settings.tags) check_tag(key, value);
}

void check(const Attributes& attributes) {
  constexpr std::size_t longest_value = 4096;
  for (const auto& [key, value] : attributes) {
    const auto length = utf8_length(key);
    if (!length || *length == 0 || *length > max_tag_key)
      refuse(fmt::format("attribute {}: a key has 1 to {} characters", quote(key), max_tag_key));
    if (value.size() > longest_value)
      refuse(fmt::format("attribute {}: a value has at most {} bytes", quote(key), longest_value));
  }
}

void change_values(std::map<std::string, std::string>& values, const ValueChanges& changes) {
  for (const auto& [key, value] : changes) {
    values.erase(key);
    if (value) values.emplace(key, *value);
  }
}

std::optional<std::string> fault_of_key(std::string_view key) {
  const auto characters = utf8_length(key);
  if (!characters) return "is not valid UTF-8";
  if (*characters == 0) return "is empty";
  if (*characters <= max_partition_key_characters) return std::nullopt;
  return fmt::format("has {} characters, but at most {} are allowed", *characters, max_partition_key_characters);
}

void check(const Record& record, std::uint64_t max_record_size) {
  if (record.size() > max_record_size) {
    throw Error(ErrorCode::malformed, fmt::format("{} bytes with its key, over the stream's maximum record size of {}",
                                                  record.size(), max_record_size));
  }
  if (!record.key) return;
  if (const auto fault = fault_of_key(*record.key)) throw Error(ErrorCode::malformed, "its partition key " + *fault);
}

}  // namespace shardlog
