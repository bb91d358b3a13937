#include "tools/stream-serve/api/shard_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>
#include <variant>

#include "shardlog/consuming/read_meter.h"
#include "shardlog/core/numbers.h"
#include "tools/stream-serve/api/page.h"
#include "tools/stream-serve/api/refusal.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/wire/event_frame.h"

namespace shardlog::serve::api {

namespace {

/// Of one event, so that the first records of many come soon.
constexpr PageLimits of_event{10'000, 1024UL * 1024};

std::string frame_of_event(wire::Form form, std::string_view type, std::string_view payload) {
  return wire::event_frame(
      {{":message-type", "event"}, {":event-type", type}, {":content-type", wire::media_type(form)}}, payload);
}

std::string frame_of_exception(wire::Form form, std::string_view type, std::string_view message) {
  const auto payload = wire::make_writer(form);
  payload->begin_structure();
  payload->text("message", message);
  payload->end_structure();
  return wire::event_frame(
      {{":message-type", "exception"}, {":exception-type", type}, {":content-type", wire::media_type(form)}},
      payload->take());
}

std::string empty_structure(wire::Form form) {
  const auto payload = wire::make_writer(form);
  payload->begin_structure();
  payload->end_structure();
  return payload->take();
}

/// The events of one shard, from a place on.
class ShardEvents {
 public:
  ShardEvents(const Subscription& subscription, const Delivery& delivery)
      : subscription_(subscription),
        delivery_(delivery),
        stream_(*delivery.stream),
        start_(delivery.start),
        numbering_(stream_.describe().map),
        attributes_(stream_.describe().attributes),
        reader_(read()),
        end_(now() + delivery.times.lifetime),
        due_(now()),
        meter_(stream_, delivery.clock, "") {}
  ShardEvents(const ShardEvents&) = delete;
  ShardEvents& operator=(const ShardEvents&) = delete;
  ~ShardEvents() { meter_.finish(); }

  void write() {
    if (!write(frame_of_event(delivery_.form, "initial-response", empty_structure(delivery_.form)))) return;
    while (!subscription_.over().stop_requested() && now() < end_) {
      if (!write_next()) return;
    }
  }

 private:
  [[nodiscard]] Duration now() const { return delivery_.clock.elapsed(); }

  [[nodiscard]] std::unique_ptr<Reader> read() {
    return stream_.read({.starts = {start_}, .shards = {}, .until = {}, .follow = true});
  }

  /// Writes the event of the records that come next; without records only if it is time for one. False at the end of
  /// the shard, or if the client takes nothing more.
  bool write_next() {
    meter_.write_if_due();
    ReadResult result = ahead_ ? *std::exchange(ahead_, std::nullopt) : look();
    const bool is_at_tail = result.batches.empty();
    if (is_at_tail) meter_.reached_tail();
    Page page(start_);
    const auto fits = [&page](StoredBatch& batch) { return page.add(std::move(batch), of_event); };
    const bool is_whole = std::all_of(result.batches.begin(), result.batches.end(), fits);
    const bool is_end =
        is_whole && std::find(result.ended.begin(), result.ended.end(), start_.shard) != result.ended.end();
    start_.from = page.next();
    meter_.read(page.batches(), std::exchange(took_, std::nullopt));
    if (is_end) page.end();
    if (!is_whole) {
      meter_.fell_behind();
      reader_ = read();
    } else if (page.size() > 0 && !is_end) {
      look_ahead();
    }
    if (page.size() > 0 || is_end || now() >= due_) {
      due_ = now() + delivery_.times.pause;
      if (!write(frame_of(page, behind(page, is_whole)))) return false;
    }
    if (is_at_tail && !is_end) reader_->wait(std::min(due_, end_) - now(), subscription_.over());
    return !is_end;
  }

  ReadResult look() {
    const Duration start = now();
    ReadResult result = reader_->next(of_event.bytes);
    took_ = now() - start;
    return result;
  }

  /// Looks whether there is more. If that is damaged, the next call of next() says so: the records before are right.
  void look_ahead() {
    try {
      ahead_ = look();
      if (!ahead_->batches.empty()) meter_.fell_behind();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
    }
  }

  /// How old the newest record of the page is, if it is not the newest of the shard.
  [[nodiscard]] std::int64_t behind(const Page& page, bool is_whole) const {
    const bool is_at_tail = is_whole && (page.size() == 0 || page.ended() || (ahead_ && ahead_->batches.empty()));
    const Timestamp time = delivery_.clock.now();
    const Duration age = is_at_tail ? Duration(0) : time - page.arrived_last().value_or(time);
    return std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(age).count());
  }

  std::string frame_of(const Page& page, std::int64_t milliseconds_behind) {
    const auto payload = wire::make_writer(delivery_.form);
    payload->begin_structure();
    write_records(*payload, page, numbering_, attributes_);
    payload->number("MillisBehindLatest", milliseconds_behind);
    if (page.ended()) {  // without a number to go on from
      write_children(*payload, stream_.describe().map.children_of(start_.shard));
    } else {
      payload->text("ContinuationSequenceNumber", continuation());
    }
    payload->end_structure();
    return frame_of_event(delivery_.form, "SubscribeToShardEvent", payload->take());
  }

  /// The number after which a client goes on.
  [[nodiscard]] std::string continuation() const {
    const auto numbered = [this](const SequenceNumber& number) {
      return numbering_.of(start_.shard, number, delivery_.clock.now());
    };
    std::optional<std::string> text;
    if (const auto* const after = std::get_if<AfterSequence>(&start_.from)) text = numbered(after->sequence);
    if (const auto* const at = std::get_if<AtSequence>(&start_.from)) {
      const auto number = parse_number<std::uint64_t>(at->sequence.to_string());
      if (number && *number > 0) text = numbered(SequenceNumber(*number - 1));
    }
    return text ? *text : numbered(SequenceNumber(0)).value_or("");
  }

  bool write(const std::string& frame) {
    return subscription_.feed().write(frame, subscription_.over(), std::max(end_ - now(), Duration(0)));
  }

  const Subscription& subscription_;
  const Delivery& delivery_;
  Stream& stream_;
  ShardStart start_;  ///< of the next event
  const Numbering numbering_;
  const Attributes attributes_;  ///< when it began
  std::unique_ptr<Reader> reader_;
  std::optional<ReadResult> ahead_;
  const Duration end_;
  Duration due_;  ///< when an event has to come even without records
  consuming::ReadMeter meter_;
  std::optional<Duration> took_;  ///< the last look, until its records are counted
};

/// Why the subscription is over, if the client should know; empty otherwise.
std::string last_frame(const Subscription& subscription, wire::Form form) {
  switch (subscription.end()) {
    case Subscription::End::taken_over:
      return frame_of_exception(form, resource_in_use, "Another subscription has taken this one over.");
    case Subscription::End::deregistered:
      return frame_of_exception(form, resource_not_found, "The consumer was deregistered.");
    case Subscription::End::by_itself:
      break;
  }
  return {};
}

std::string frame_of_error(const Error& error, const Delivery& delivery) {
  if (error.code() == ErrorCode::not_found) {
    return frame_of_exception(delivery.form, resource_not_found, error.what());
  }
  delivery.report(fmt::format("SubscribeToShard: {}", error.what()));
  return frame_of_exception(delivery.form, "InternalFailureException", error.what());
}

}  // namespace

void deliver(const Subscription& subscription, const Delivery& delivery) {
  try {
    std::string last;
    try {
      ShardEvents(subscription, delivery).write();
      last = last_frame(subscription, delivery.form);
    } catch (const Error& error) {
      last = frame_of_error(error, delivery);
    }
    subscription.feed().end(last);
  } catch (const std::bad_alloc&) {
    delivery.report("SubscribeToShard: out of memory");
  }
}

}  // namespace shardlog::serve::api
