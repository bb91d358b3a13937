#pragma once

#include <map>

#include "shardlog/core/clock.h"
#include "shardlog/log/metrics.h"

namespace shardlog::metrics {

/// Collects what a process measures of a stream, minute by minute, and adds it to the stream every 10 seconds. What
/// cannot be added because others are in the way, or for lack of memory, is kept and tried again soon, a day's minutes
/// at most. After any other error it forgets what it gets: a program must not fail because it is measured. For the
/// thread of the stream.
class Recorder {
 public:
  /// Both must outlive it.
  Recorder(Metrics& metrics, const Clock& clock) : metrics_(metrics), clock_(clock) {}

  /// The measures of the minute that `now` is in. The caller adds to them before its next call.
  Measures& at(Timestamp now);

  /// The time until there is something to write; Duration::max() if nothing was measured since the last time.
  [[nodiscard]] Duration until_due() const;
  void write_if_due() {
    if (until_due() == Duration(0)) write();
  }

  /// Writes what there is. Returns false if some of it is left, because others were in the way.
  bool write();

  /// Writes what there is, and tries for 100 ms if others are in the way. For a process that is about to end, and that
  /// waits for others anyway.
  void write_at_end();

 private:
  Metrics& metrics_;
  const Clock& clock_;
  std::map<Timestamp, Measures> minutes_;
  Duration due_at_{0};
  bool forgets_ = false;
};

}  // namespace shardlog::metrics
