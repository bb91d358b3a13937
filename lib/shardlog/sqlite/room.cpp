#include "shardlog/sqlite/room.h"

#include <fmt/format.h>

#include <algorithm>

namespace shardlog::sqlite {

namespace {

// An append that needs room makes enough for ten more of its size, but not more than a hundredth of the bound.
constexpr std::int64_t appends_ahead = 10;
constexpr std::int64_t parts_of_bound = 100;

std::int64_t bytes_of(std::span<const RoutedBatch> batches) {
  std::int64_t bytes = 0;
  for (const RoutedBatch& each : batches) bytes += static_cast<std::int64_t>(each.batch.data_bytes);
  return bytes;
}

}  // namespace

Room::Room(Database& database)
    : trimming_(database), horizon_batch_(database, "SELECT batch FROM trim_horizon LIMIT 1") {}

std::optional<Outcome> Room::make(const Configuration& configuration, const Tail& tail,
                                  std::span<const RoutedBatch> batches, Timestamp now) {
  made_some_ = false;
  const StreamSettings& settings = configuration.settings;
  if (settings.max_bytes == unbounded) return std::nullopt;
  const std::int64_t bytes = bytes_of(batches);
  const auto most = static_cast<std::int64_t>(settings.max_bytes);
  if (bytes == 0) return std::nullopt;
  if (bytes > most) {
    return Refused{ErrorCode::malformed,
                   fmt::format("{} bytes in one append, and the stream holds at most {}", bytes, most)};
  }
  const std::int64_t held = bytes_up_to(tail) - trimmed_bytes();
  if (held + bytes <= most) return std::nullopt;
  const std::int64_t ahead = std::min(appends_ahead * bytes, most / parts_of_bound);
  TrimStep step(trimming_, configuration, now, held + bytes + ahead - most);
  made_some_ = step.run() > 0;
  const std::int64_t lacking = step.excess() - ahead;
  if (lacking <= 0) return std::nullopt;
  const std::int64_t left = lacking + most - bytes;
  return NoRoom{settings.when_full, static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)), settings.max_bytes};
}

/// A horizon is read again only when it has moved: it lists every shard.
std::int64_t Room::trimmed_bytes() {
  Use row(horizon_batch_);
  if (!row->executeStep()) throw_corrupt("the trim horizon is missing");
  const std::int64_t batch = row->getColumn(0).getInt64();
  if (batch != horizon_) {
    trimmed_bytes_ = bytes_up_to(read_horizon(trimming_.database));
    horizon_ = batch;
  }
  return trimmed_bytes_;
}

}  // namespace shardlog::sqlite
