#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shardlog::kinesis {

/// Whose streams they are, and where.
struct Account {
  std::string region;  ///< us-east-1
  std::string id;      ///< 12 digits
};

/// What the name of a stream in Amazon's cloud contains (arn:aws:kinesis:us-east-1:123456789012:stream/orders).
struct StreamArn {
  Account account;
  std::string stream;
};

/// The same of a consumer (arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:1700000000).
struct ConsumerArn {
  StreamArn stream;
  std::string consumer;
  std::uint64_t created;  ///< seconds since the epoch
};

std::string to_string(const StreamArn& arn);
std::string to_string(const ConsumerArn& arn);

/// Nullopt for anything else. Names are those that is_name() accepts.
std::optional<StreamArn> parse_stream_arn(std::string_view text);
std::optional<ConsumerArn> parse_consumer_arn(std::string_view text);

/// Whether it can be the name of a stream or a consumer: 1 to 128 characters of a-z A-Z 0-9 _ . - (Kinesis API,
/// "StreamName").
bool is_name(std::string_view text);

/// Whether it is the number of an account: 12 digits.
bool is_account_id(std::string_view text);

}  // namespace shardlog::kinesis
