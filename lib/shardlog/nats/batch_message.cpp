#include "shardlog/nats/batch_message.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/core/record_batch_format.h"

namespace shardlog::nats {

namespace {

[[noreturn]] void refuse_header(const std::string& reason) {
  throw Error(ErrorCode::corrupt, "header of a batch: " + reason);
}

std::uint64_t checksum_of(const std::string& uuid, ShardId shard, std::uint32_t count, std::uint64_t bytes,
                          std::uint64_t payload) {
  const std::string covered = fmt::format("{}\n{}\n{}\n{}\n{:016x}\n", uuid, shard.number(), count, bytes, payload);
  return XXH3_64bits(covered.data(), covered.size());
}

/// The text between single spaces; exactly four parts.
std::array<std::string_view, 4> parts_of(std::string_view header) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_last = i + 1 == parts.size();
    const std::size_t end = is_last ? header.size() : header.find(' ');
    if (end == std::string_view::npos) refuse_header(fmt::format("{} parts instead of 4", i + 1));
    parts.at(i) = header.substr(0, end);
    header.remove_prefix(is_last ? end : end + 1);
  }
  return parts;
}

template <typename Number, typename... Base>
Number number_of(std::string_view text, const char* what, Base... base) {
  const auto number = parse_number<Number>(text, base...);
  if (!number) refuse_header(fmt::format("{} is not a {}", quote(text), what));
  return *number;
}

}  // namespace

std::optional<std::uint64_t> message_of(const SequenceNumber& number) {
  const auto value = parse_number<std::uint64_t>(number.to_string());
  return value ? std::optional(*value / numbers_a_message) : std::nullopt;
}

std::string batch_facts(const std::string& uuid, ShardId shard, const EncodedBatch& batch, ShardMap::Version version) {
  const std::uint64_t checksum =
      checksum_of(uuid, shard, batch.record_count, batch.data_bytes, payload_checksum(batch.payload.view()));
  return fmt::format("{} {} {} {:016x}", batch.record_count, batch.data_bytes, version, checksum);
}

BatchFacts parse_batch_facts(std::string_view header) {
  constexpr int hexadecimal = 16;
  const auto [count, bytes, version, checksum] = parts_of(header);
  const BatchFacts facts{number_of<std::uint32_t>(count, "count"), number_of<std::uint64_t>(bytes, "number of bytes"),
                         number_of<ShardMap::Version>(version, "version of a shard map"),
                         number_of<std::uint64_t>(checksum, "checksum", hexadecimal)};
  if (facts.count == 0 || facts.count > max_batch_records) refuse_header(fmt::format("{} records", facts.count));
  return facts;
}

void check(const BatchFacts& facts, const std::string& uuid, ShardId shard, std::string_view payload) {
  if (payload.size() < format::offset::column_sizes) throw Error(ErrorCode::corrupt, "batch: shorter than its header");
  if (facts.checksum != checksum_of(uuid, shard, facts.count, facts.bytes, payload_checksum(payload))) {
    throw Error(ErrorCode::corrupt,
                fmt::format("batch of {}: the checksum of its message does not match", shard.to_string()));
  }
}

}  // namespace shardlog::nats
