#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/log/settings.h"

/// What clients set and shardlog itself has no use for. It is kept with the stream, as attributes, and shown again.
namespace shardlog::serve::api {

/// A consumer that was registered for its own subscriptions (Kinesis API, "RegisterStreamConsumer"). It is not a
/// consumer of stream-get.
struct RegisteredConsumer {
  std::string name;
  std::uint64_t created = 0;  ///< seconds since the epoch
};

constexpr std::size_t most_consumers = 20;  ///< of a stream (Kinesis Data Streams developer guide, "Quotas")

/// In the order of their names.
std::vector<RegisteredConsumer> consumers_of(const Attributes& attributes);
std::optional<RegisteredConsumer> find_consumer(const Attributes& attributes, std::string_view name);
ValueChanges with_consumer(const RegisteredConsumer& consumer);
ValueChanges without_consumer(std::string_view name);

/// Shard-level metrics that are switched on (Kinesis API, "EnableEnhancedMonitoring"), in the order of metric_names().
std::vector<std::string_view> metrics_of(const Attributes& attributes);
ValueChanges with_metrics(const std::vector<std::string_view>& metrics);
const std::vector<std::string_view>& metric_names();

/// The key with which a client wants the stream to be encrypted. Nothing is encrypted.
std::optional<std::string> encryption_key_of(const Attributes& attributes);
ValueChanges with_encryption_key(std::optional<std::string> key);

}  // namespace shardlog::serve::api
