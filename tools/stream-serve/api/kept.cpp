#include "tools/stream-serve/api/kept.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/numbers.h"

namespace shardlog::serve::api {

namespace {

constexpr std::string_view consumer_prefix = "kinesis.consumer.";
constexpr const char* metrics_key = "kinesis.metrics";
constexpr const char* encryption_key = "kinesis.encryption-key";
constexpr const char* warm_throughput_key = "kinesis.warm-throughput";
constexpr std::string_view tag_prefix = "kinesis.tag.";
constexpr std::string_view policy_prefix = "kinesis.policy.";

/// A policy can be longer than the value of an attribute.
constexpr std::size_t policy_piece_bytes = 4096;
constexpr std::size_t most_policy_pieces = most_policy_bytes / policy_piece_bytes;

/// A name can be as long as a whole key of an attribute, so its hash stands for it.
std::string hash_of(std::string_view name) {
  const XXH128_hash_t hash = XXH3_128bits(name.data(), name.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// The value has the name.
std::string key_of_consumer(std::string_view name) {
  return fmt::format("{}{}", consumer_prefix, hash_of(name));
}

/// Of the attributes with the tags of a consumer. Their values have the size of a tag's key, and the tag.
std::string prefix_of_tags(const std::string& consumer) {
  return fmt::format("{}{}.", tag_prefix, hash_of(consumer));
}

std::string key_of_policy(const std::string& consumer, std::size_t piece) {
  if (consumer.empty()) return fmt::format("{}{}", policy_prefix, piece);
  return fmt::format("{}{}.{}", policy_prefix, hash_of(consumer), piece);
}

}  // namespace

std::vector<RegisteredConsumer> consumers_of(const Attributes& attributes) {
  std::vector<RegisteredConsumer> consumers;
  for (const auto& [key, value] : attributes) {
    if (!key.starts_with(consumer_prefix)) continue;
    const std::size_t space = std::min(value.find(' '), value.size());
    const auto created = parse_number<std::uint64_t>(value.substr(0, space));
    if (created && space < value.size()) consumers.push_back({value.substr(space + 1), *created});
  }
  std::sort(consumers.begin(), consumers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return consumers;
}

std::optional<RegisteredConsumer> find_consumer(const Attributes& attributes, std::string_view name) {
  for (RegisteredConsumer& consumer : consumers_of(attributes)) {
    if (consumer.name == name) return std::move(consumer);
  }
  return std::nullopt;
}

ValueChanges with_consumer(const RegisteredConsumer& consumer) {
  return {{key_of_consumer(consumer.name), fmt::format("{} {}", consumer.created, consumer.name)}};
}

ValueChanges without_consumer(const Attributes& attributes, const std::string& name) {
  ValueChanges changes = without_policy(name);
  changes.emplace(key_of_consumer(name), std::nullopt);
  ValueChanges tags;
  for (const auto& [key, value] : consumer_tags_of(attributes, name)) tags.emplace(key, std::nullopt);
  changes.merge(with_consumer_tags(name, tags));
  return changes;
}

Tags consumer_tags_of(const Attributes& attributes, const std::string& consumer) {
  Tags tags;
  const std::string prefix = prefix_of_tags(consumer);
  for (auto kept = attributes.lower_bound(prefix); kept != attributes.end(); ++kept) {
    const auto& [key, value] = *kept;
    if (!key.starts_with(prefix)) break;
    const std::size_t space = std::min(value.find(' '), value.size());
    const auto key_size = parse_number<std::size_t>(value.substr(0, space));
    if (!key_size || *key_size >= value.size() - space) continue;
    tags.emplace(value.substr(space + 1, *key_size), value.substr(space + 1 + *key_size));
  }
  return tags;
}

ValueChanges with_consumer_tags(const std::string& consumer, const ValueChanges& changes) {
  ValueChanges kept;
  for (const auto& [key, value] : changes) {
    auto& in_attribute = kept[prefix_of_tags(consumer) + hash_of(key)];
    if (value) in_attribute = fmt::format("{} {}{}", key.size(), key, *value);
  }
  return kept;
}

std::vector<std::string_view> metrics_of(const Attributes& attributes) {
  const auto found = attributes.find(metrics_key);
  const std::string kept = found == attributes.end() ? "" : "," + found->second + ",";
  std::vector<std::string_view> metrics;
  for (const std::string_view name : metric_names()) {
    if (kept.find(fmt::format(",{},", name)) != std::string::npos) metrics.push_back(name);
  }
  return metrics;
}

ValueChanges with_metrics(const std::vector<std::string_view>& metrics) {
  if (metrics.empty()) return {{metrics_key, std::nullopt}};
  return {{metrics_key, fmt::format("{}", fmt::join(metrics, ","))}};
}

const std::vector<std::string_view>& metric_names() {
  static const std::vector<std::string_view> names{"IncomingBytes",
                                                   "IncomingRecords",
                                                   "OutgoingBytes",
                                                   "OutgoingRecords",
                                                   "WriteProvisionedThroughputExceeded",
                                                   "ReadProvisionedThroughputExceeded",
                                                   "IteratorAgeMilliseconds"};
  return names;
}

std::optional<std::string> policy_of(const Attributes& attributes, const std::string& consumer) {
  std::string policy;
  for (std::size_t piece = 0; piece < most_policy_pieces; ++piece) {
    const auto found = attributes.find(key_of_policy(consumer, piece));
    if (found == attributes.end()) break;
    policy += found->second;
  }
  return policy.empty() ? std::nullopt : std::optional(policy);
}

ValueChanges with_policy(const std::string& consumer, std::string_view policy) {
  ValueChanges changes = without_policy(consumer);
  for (std::size_t piece = 0; !policy.empty(); ++piece) {
    changes[key_of_policy(consumer, piece)] = std::string(policy.substr(0, policy_piece_bytes));
    policy.remove_prefix(std::min(policy.size(), policy_piece_bytes));
  }
  return changes;
}

ValueChanges without_policy(const std::string& consumer) {
  ValueChanges changes;
  for (std::size_t piece = 0; piece < most_policy_pieces; ++piece) {
    changes.emplace(key_of_policy(consumer, piece), std::nullopt);
  }
  return changes;
}

std::optional<std::int64_t> warm_throughput_of(const Attributes& attributes) {
  const auto found = attributes.find(warm_throughput_key);
  const auto kept = found == attributes.end() ? std::nullopt : parse_number<std::uint64_t>(found->second);
  return kept ? std::optional(static_cast<std::int64_t>(*kept)) : std::nullopt;
}

ValueChanges with_warm_throughput(std::int64_t mib_per_second) {
  return {{warm_throughput_key, std::to_string(mib_per_second)}};
}

void write_warm_throughput(wire::Writer& to, std::int64_t mib_per_second) {
  to.key("WarmThroughput");
  to.begin_structure();
  to.number("TargetMiBps", mib_per_second);
  to.number("CurrentMiBps", mib_per_second);
  to.end_structure();
}

std::optional<std::string> encryption_key_of(const Attributes& attributes) {
  const auto found = attributes.find(encryption_key);
  return found == attributes.end() ? std::nullopt : std::optional(found->second);
}

ValueChanges with_encryption_key(std::optional<std::string> key) {
  return {{encryption_key, std::move(key)}};
}

void write_encrypted(wire::Writer& to) {
  to.text("EncryptionType", "KMS");
}

}  // namespace shardlog::serve::api
