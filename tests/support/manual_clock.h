#pragma once

#include <atomic>
#include <string>

#include "shardlog/core/clock.h"

namespace shardlog::test {

/// A wall clock that stands still unless it is set, until it runs. Intervals are the system's until they are frozen.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return runs_ ? SystemClock().now() : Timestamp(Duration(now_)); }
  [[nodiscard]] Duration elapsed() const override { return frozen_ ? Duration(elapsed_) : SystemClock().elapsed(); }

  /// It passes as the intervals do, but can be set; a new boot begins at 0.
  [[nodiscard]] Duration since_boot() const override { return elapsed() - Duration(boot_at_); }
  [[nodiscard]] std::string boot() const override { return "boot " + std::to_string(boots_); }
  void boot_again() {
    boot_at_ = elapsed().count();
    ++boots_;
  }
  /// Since the boot, time jumps; intervals do not.
  void step_since_boot(Duration by) { boot_at_ -= by.count(); }

  void set(Timestamp now) { now_ = now.time_since_epoch().count(); }
  void step(Duration by) { now_ += by.count(); }
  /// From now on it is the system's, and cannot be set: for engines that do not go by it.
  void run() { runs_ = true; }

  /// From now on time passes by let_pass() only.
  void freeze() {
    elapsed_ = SystemClock().elapsed().count();
    frozen_ = true;
  }
  void let_pass(Duration time) { elapsed_ += time.count(); }

 private:
  std::atomic<Duration::rep> now_ = 1'700'000'000'000'000;
  std::atomic<bool> runs_ = false;
  std::atomic<bool> frozen_ = false;
  std::atomic<Duration::rep> elapsed_ = 0;
  std::atomic<Duration::rep> boot_at_ = -86'400'000'000;  ///< a day ago or more: so there is time to step back over
  std::atomic<int> boots_ = 1;
};

}  // namespace shardlog::test
