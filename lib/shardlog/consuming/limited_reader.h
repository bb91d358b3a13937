#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>

#include "shardlog/consuming/delivery.h"
#include "shardlog/consuming/read_allowance.h"
#include "shardlog/consuming/read_meter.h"
#include "shardlog/log/reader.h"

namespace shardlog::consuming {

/// Reads no faster than the limits of the stream allow, and measures what it reads. Without limits it passes on all
/// that it reads. It keeps the order of the records, so a shard that must be waited for delays the others. For one
/// thread.
class LimitedReader {
 public:
  /// Called once for each time of throttling that lasts a second: until the tail is reached, or the end.
  using OnThrottled = std::function<void(const Throttling&)>;

  /// The references must outlive it.
  LimitedReader(std::unique_ptr<Reader> reader, ReadAllowance& allowance, ReadMeter& meter, const Clock& clock,
                OnThrottled on_throttled);

  /// As Reader::next(). If nothing came because of the limits, throttled_for() is not 0: ask again after that time.
  /// Throws as Reader::next(), and for a consumer as Stream::append().
  ReadResult next(std::size_t budget);
  [[nodiscard]] Duration throttled_for() const { return throttled_for_; }

  /// As Reader::wait().
  bool wait(Duration timeout, const std::stop_token& stop);

 private:
  ReadResult hand_out();
  bool hand_out(ReadResult& result);
  std::uint64_t pass(StoredBatch& batch, std::uint64_t most, ReadResult& result);
  void throttle(ShardId shard, bool in_new_call);

  std::unique_ptr<Reader> reader_;
  ReadAllowance& allowance_;
  ReadMeter& meter_;
  const Clock& clock_;
  OnThrottled on_throttled_;
  std::optional<ReadResult> rest_;          ///< what was read and is not handed out yet
  std::size_t next_ = 0;                    ///< the first of its batches that is left
  std::optional<Duration> took_;            ///< how long that read took, until some of it is handed out
  std::map<ShardId, std::uint64_t> calls_;  ///< bytes read by the calls that go on
  Duration throttled_for_{0};
  std::optional<Duration> throttled_since_;
  bool told_ = false;
  bool waits_ = false;  ///< for capacity, with the next record
};

}  // namespace shardlog::consuming
