#include "shardlog/kinesis/arn.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/core/numbers.h"

namespace shardlog::kinesis {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view stream_prefix = "stream/";
constexpr std::string_view consumer_prefix = "/consumer/";

/// Takes off what is before `end`, and `end` itself; nullopt if there is no `end`.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t size = text.find(end);
  if (size == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size + 1);
  return taken;
}

/// Amazon runs three clouds apart from each other (AWS general reference, "ARNs").
std::string_view partition_of(std::string_view region) {
  return region.starts_with("cn-") ? "aws-cn" : region.starts_with("us-gov-") ? "aws-us-gov" : "aws";
}

/// Takes off "arn:aws:kinesis:REGION:ACCOUNT:stream/", with any partition.
std::optional<Account> take_account(std::string_view& text) {
  const auto scheme = take_until(text, ':');
  const auto partition = take_until(text, ':');
  const auto service = take_until(text, ':');
  const auto region = take_until(text, ':');
  const auto account = take_until(text, ':');
  if (!account || *scheme != "arn" || !partition->starts_with("aws") || *service != "kinesis") return std::nullopt;
  if (!is_account_id(*account) || !text.starts_with(stream_prefix)) return std::nullopt;
  text.remove_prefix(stream_prefix.size());
  return Account{std::string(*region), std::string(*account)};
}

}  // namespace

std::string to_string(const StreamArn& arn) {
  return fmt::format("arn:{}:kinesis:{}:{}:{}{}", partition_of(arn.account.region), arn.account.region, arn.account.id,
                     stream_prefix, arn.stream);
}

std::string to_string(const ConsumerArn& arn) {
  return fmt::format("{}{}{}:{}", to_string(arn.stream), consumer_prefix, arn.consumer, arn.created);
}

std::optional<StreamArn> parse_stream_arn(std::string_view text) {
  auto account = take_account(text);
  if (!account || !is_name(text)) return std::nullopt;
  return StreamArn{std::move(*account), std::string(text)};
}

std::optional<ConsumerArn> parse_consumer_arn(std::string_view text) {
  auto account = take_account(text);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view stream = text.substr(0, slash);
  text.remove_prefix(slash);
  if (!account || !is_name(stream) || !text.starts_with(consumer_prefix)) return std::nullopt;
  text.remove_prefix(consumer_prefix.size());
  const auto consumer = take_until(text, ':');
  const auto created = parse_number<std::uint64_t>(text);
  if (!consumer || !is_name(*consumer) || !created) return std::nullopt;
  return ConsumerArn{{std::move(*account), std::string(stream)}, std::string(*consumer), *created};
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), fits);
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of(digits) == std::string_view::npos;
}

}  // namespace shardlog::kinesis
