#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <stop_token>
#include <utility>

#include "shardlog/consuming/delivery.h"
#include "tools/stream-get/record_writer.h"
#include "tools/stream-get/throttling.h"

namespace shardlog::cli {

/// How many records all workers together may still deliver. Safe to use from any thread.
class RecordBudget {
 public:
  /// Unset: no limit.
  explicit RecordBudget(std::optional<std::uint64_t> count)
      : left_(static_cast<std::int64_t>(count.value_or(std::numeric_limits<std::int64_t>::max()))) {}

  /// Takes `wanted` records, or all that are left if these are fewer. Returns how many it took.
  std::size_t take(std::size_t wanted) {
    const auto most = static_cast<std::int64_t>(wanted);
    return static_cast<std::size_t>(std::clamp<std::int64_t>(left_.fetch_sub(most), 0, most));
  }

  [[nodiscard]] bool is_spent() const { return left_ <= 0; }

 private:
  std::atomic<std::int64_t> left_;  // below 0 if more was wanted
};

/// Delivers the records of one worker, and remembers whether all went well. --count, --strict and a stop end it.
class WorkerDelivery : public consuming::Delivery {
 public:
  /// All must outlive it.
  WorkerDelivery(const GetCommand& command, RecordBudget& budget, const Context& context, std::stop_token stop)
      : command_(command), budget_(budget), context_(context), stop_(std::move(stop)) {}

  bool deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) final {
    if (!goes_on()) return false;
    const consuming::Batch part = batch.part(0, budget_.take(batch.records()));
    return !part.slices.empty() && deliver_part(part, lifeline) && goes_on();
  }

  bool tell(const Gap& gap) final {
    context_.message(text_of(gap));
    partly_ = true;
    return !command_.strict;
  }

  void throttled(const consuming::Throttling& why) final { tell_throttling(why, context_); }

  void flush(consuming::Lifeline& /*lifeline*/) final {}  // nothing is gathered
  void finish(consuming::Lifeline& /*lifeline*/) override {}

  /// Whether the exit status must say that records were missed or left out, or that a failure ended it.
  [[nodiscard]] bool partly() const { return partly_; }

 protected:
  /// As deliver(), with no more records than the budget has left.
  virtual bool deliver_part(const consuming::Batch& batch, consuming::Lifeline& lifeline) = 0;

  void set_partly() { partly_ = true; }
  [[nodiscard]] const GetCommand& command() const { return command_; }
  [[nodiscard]] const Context& context() const { return context_; }
  [[nodiscard]] bool stop_requested() const { return stop_.stop_requested(); }

 private:
  [[nodiscard]] bool goes_on() const { return !stop_requested() && !budget_.is_spent(); }

  const GetCommand& command_;
  RecordBudget& budget_;
  const Context& context_;
  std::stop_token stop_;
  bool partly_ = false;
};

}  // namespace shardlog::cli
