#include "shardlog/metrics/periods.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/core/compression.h"
#include "shardlog/core/error.h"
#include "shardlog/core/varint.h"

namespace shardlog::metrics {

namespace {

constexpr Duration kept_by_the_minute = std::chrono::days(1);
constexpr Duration kept = std::chrono::days(31);

/// Of measures before they are compressed: 1,000 shards and 10 consumers need 64 KiB.
constexpr std::size_t largest = 4UL * 1024 * 1024;

[[noreturn]] void refuse_history(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

}  // namespace

Timestamp start_of(Duration span, Timestamp time) {
  const Duration since = time.time_since_epoch();
  const Duration rest = since % span;
  return Timestamp(since - (rest < Duration(0) ? rest + span : rest));
}

Timestamp oldest_hour(Timestamp now) {
  return start_of(hour, now - kept);
}

Timestamp oldest_minute(Timestamp now) {
  return start_of(hour, now - kept_by_the_minute);
}

Period& Periods::at(Timestamp time) {
  return periods_.try_emplace(start(time), Period{start(time), span(time), {}}).first->second;
}

std::vector<Period> Periods::take() {
  std::vector<Period> result;
  for (auto& [start, period] : periods_) result.push_back(std::move(period));
  return result;
}

std::optional<std::string> pack(const Measures& measures) {
  if (!measures.is_storable()) return std::nullopt;
  const std::string plain = measures.encode();
  if (plain.size() > largest) return std::nullopt;
  std::string data(1, static_cast<char>(Compression::zstd));
  append_varint(data, plain.size());
  const std::size_t head = data.size();
  data.resize(head + plain.size());
  const auto size = compress(Compression::zstd, plain, data.data() + head, plain.size());
  if (!size || head + *size > plain.size()) return std::string(1, static_cast<char>(Compression::none)) + plain;
  data.resize(head + *size);
  return data;
}

Measures unpack(std::string_view data) {
  if (data.empty()) refuse_history("it is empty");
  const char codec = data.front();
  data.remove_prefix(1);
  const bool is_plain = codec == static_cast<char>(Compression::none);
  if (!is_plain && codec != static_cast<char>(Compression::zstd)) refuse_history("an unknown codec");
  const std::uint64_t size = is_plain ? data.size() : take_varint(data);
  if (size > largest) refuse_history(fmt::format("it claims a size of {} bytes", size));
  if (is_plain) return Measures::decode(data);
  return Measures::decode(decompress(Compression::zstd, data, size).view());
}

}  // namespace shardlog::metrics
