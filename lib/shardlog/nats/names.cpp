#include "shardlog/nats/names.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "shardlog/core/numbers.h"

namespace shardlog::nats {

namespace {

/// Takes the text before the first '.' off the start of `subject`, and that '.'.
std::string_view take_token(std::string_view& subject) {
  const std::string_view token = subject.substr(0, subject.find('.'));
  subject.remove_prefix(std::min(subject.size(), token.size() + 1));
  return token;
}

}  // namespace

std::string Names::data_subjects(std::uint64_t epoch) const {
  return fmt::format("sl.{}.{}.{}.>", name_, part_, epoch);
}

std::string Names::data_filter(std::optional<ShardId> shard) const {
  return shard ? fmt::format("sl.{}.{}.*.{}.>", name_, part_, shard->number())
               : fmt::format("sl.{}.{}.>", name_, part_);
}

std::string Names::data_subject(std::uint64_t epoch, ShardId shard, std::string_view last) const {
  return fmt::format("sl.{}.{}.{}.{}.{}", name_, part_, epoch, shard.number(), last);
}

std::string Names::consumer_stream(const std::string& consumer) const {
  return consumer_prefix() + hash_of(consumer);
}

std::string Names::consumer_subject(const std::string& consumer) const {
  return fmt::format("slk.{}.{}.{}", name_, part_, hash_of(consumer));
}

std::string Names::slots(const std::string& producer, std::optional<std::string> source) const {
  const std::string of_source = source ? hash_of(*source) + ".*" : ">";
  return fmt::format("slp.{}.{}.{}.{}", name_, part_, hash_of(producer), of_source);
}

std::string Names::slot(const std::string& producer, const std::string& source, std::uint64_t number) const {
  return fmt::format("slp.{}.{}.{}.{}.{}", name_, part_, hash_of(producer), hash_of(source), number);
}

std::optional<DataSubject> parse_data_subject(std::string_view subject) {
  const std::string_view prefix = take_token(subject);
  const std::string_view name = take_token(subject);
  const std::string_view part = take_token(subject);
  const auto epoch = parse_number<std::uint64_t>(take_token(subject));
  const auto shard = parse_number<std::uint32_t>(take_token(subject));
  const bool is_one = prefix == "sl" && !name.empty() && !part.empty() && epoch && shard && !subject.empty() &&
                      subject.find('.') == std::string_view::npos;
  return is_one ? std::optional(DataSubject{*epoch, ShardId(*shard), subject}) : std::nullopt;
}

std::string hash_of(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace shardlog::nats
