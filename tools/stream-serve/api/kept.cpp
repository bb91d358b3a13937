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

/// A name can be as long as a whole key of an attribute, so its hash stands for it. The value has the name.
std::string key_of_consumer(std::string_view name) {
  const XXH128_hash_t hash = XXH3_128bits(name.data(), name.size());
  return fmt::format("{}{:016x}{:016x}", consumer_prefix, hash.high64, hash.low64);
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

ValueChanges without_consumer(std::string_view name) {
  return {{key_of_consumer(name), std::nullopt}};
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

std::optional<std::string> encryption_key_of(const Attributes& attributes) {
  const auto found = attributes.find(encryption_key);
  return found == attributes.end() ? std::nullopt : std::optional(found->second);
}

ValueChanges with_encryption_key(std::optional<std::string> key) {
  return {{encryption_key, std::move(key)}};
}

}  // namespace shardlog::serve::api
