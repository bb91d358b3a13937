#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/log/settings.h"
#include "tools/stream-serve/wire/writer.h"

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
/// Its tags and its policy go with it.
ValueChanges without_consumer(const Attributes& attributes, const std::string& name);

Tags consumer_tags_of(const Attributes& attributes, const std::string& consumer);
ValueChanges with_consumer_tags(const std::string& consumer, const ValueChanges& changes);

/// Shard-level metrics that are switched on (Kinesis API, "EnableEnhancedMonitoring"), in the order of metric_names().
std::vector<std::string_view> metrics_of(const Attributes& attributes);
ValueChanges with_metrics(const std::vector<std::string_view>& metrics);
const std::vector<std::string_view>& metric_names();

/// The resource policy of the stream, or of a consumer of it (Kinesis API, "PutResourcePolicy"): a JSON text. Nobody is
/// kept out by it.
std::optional<std::string> policy_of(const Attributes& attributes, const std::string& consumer);
/// REQUIRES: at most most_policy_bytes
ValueChanges with_policy(const std::string& consumer, std::string_view policy);
ValueChanges without_policy(const std::string& consumer);
constexpr std::size_t most_policy_bytes = 20UL * 1024;  ///< (Kinesis Data Streams developer guide, "Quotas")

/// The throughput in MiB/s that a client wants an on-demand stream to be ready for.
std::optional<std::int64_t> warm_throughput_of(const Attributes& attributes);
ValueChanges with_warm_throughput(std::int64_t mib_per_second);
/// A member "WarmThroughput".
void write_warm_throughput(wire::Writer& to, std::int64_t mib_per_second);

/// The key with which a client wants the stream to be encrypted. Nothing is encrypted.
std::optional<std::string> encryption_key_of(const Attributes& attributes);
ValueChanges with_encryption_key(std::optional<std::string> key);
/// A member "EncryptionType" of a record, or of what was put, in a stream with such a key.
void write_encrypted(wire::Writer& to);

}  // namespace shardlog::serve::api
