#include "shardlog/nats/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/threads.h"
#include "shardlog/nats/notice.h"
#include "shardlog/nats/read_start.h"
#include "shardlog/nats/scan.h"

namespace shardlog::nats {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class NatsReader final : public Reader {
 public:
  NatsReader(Session& session, const ReadRequest& request);

  ReadResult next(std::size_t budget) override;
  [[nodiscard]] capacity::Limits limits() const override { return session_.control().settings.limits; }
  bool wait(Duration timeout, std::stop_token stop) override;

 private:
  /// A message, and what its header says of its batch.
  struct Fetched {
    DataMessage message;
    BatchFacts facts{};
    std::optional<Error> fault{};  ///< instead of the facts
  };

  void begin();
  void adopt(bool at_start);
  /// Adds to `fetched_` what is there next, about `budget` bytes. Nothing if the tail is reached, or the end.
  void fetch(std::size_t budget);
  std::optional<DataMessage> next_message(bool wanted);
  void refresh();
  void tell_trimmed(ReadResult& result);
  void take(Fetched fetched, ReadResult& result);
  void deliver(Fetched fetched, Cursor& cursor, ReadResult& result);
  void add_gap(ShardId shard, Cursor& cursor, std::uint64_t last, Timestamp newest, ReadResult& result);
  void tell_ends(ReadResult& result);
  [[nodiscard]] bool at_end();
  [[nodiscard]] Error damaged(const DataMessage& message, const Error& why) const;

  Session& session_;
  bool follow_;
  bool notice_;
  bool descendants_;
  bool listed_;                              ///< shards were chosen
  Timestamp not_before_ = Timestamp::min();  ///< children begin there, too
  std::uint64_t last_ = 0;                   ///< message when the read was set up
  std::uint64_t end_ = no_number;            ///< nothing from this number on
  bool bounded_ = false;                     ///< all before `end_` was there then
  std::optional<Timestamp> until_;           ///< a time that had not come
  Cursors cursors_;
  ShardEnds ends_;
  std::optional<ShardMap> map_;
  std::uint64_t map_of_ = 0;                ///< the sequence of the control message that it is of
  std::optional<std::uint64_t> trimmed_{};  ///< up to there it was told
  Timestamp expired_ = Timestamp::min();    ///< what arrived before is past retention
  std::optional<Scan> scan_{};              ///< made by the first read
  std::vector<Fetched> fetched_{};  ///< not delivered yet; here, because the call that fetched it may have failed
  std::optional<DataMessage> peeked_{};
  std::optional<Hints> hints_{};
  std::optional<Error> damage_{};  ///< thrown once everything before it is delivered
  bool at_tail_ = false;
  bool begun_ = false;  ///< the trim horizon is resolved
};

NatsReader::NatsReader(Session& session, const ReadRequest& request)
    : session_(session),
      follow_(request.follow),
      notice_(request.notice),
      descendants_(request.descendants),
      listed_(!request.starts.empty() || !request.shards.empty()) {
  if (follow_ && notice_) hints_.emplace(session, Hints::Of::changes);
  ReadStart start = resolve(session, request, ends_);
  cursors_ = std::move(start.cursors);
  last_ = start.last;
  end_ = std::max<std::uint64_t>(1, start.end);
  bounded_ = end_ <= (last_ + 1) * numbers_a_message;
  until_ = start.until;
  const auto* const at = request.starts.empty() ? std::get_if<AtTime>(&request.from) : nullptr;
  if (at != nullptr) not_before_ = at->time;
  refresh();
  if (descendants_) adopt(true);
}

/// Resolves the trim horizon, and begins to read.
void NatsReader::begin() {
  refresh();
  std::vector<ShardId> shards;
  std::uint64_t from = last_ + 1;
  for (const auto& [shard, cursor] : cursors_) {
    shards.push_back(shard);
    const std::uint64_t message = cursor.next / numbers_a_message;
    const bool is_over = ends_.of(shard).value_or(no_number) < message;
    if (!is_over) from = std::min(from, message);
  }
  from = std::max(from, session_.control().trimmed.sequence + 1);
  ScanRequest request{.from = from, .follow = !bounded_};
  if (bounded_) request.until = (end_ - 1) / numbers_a_message;
  if (listed_ && !descendants_) request.shards = std::move(shards);
  scan_.emplace(session_, std::move(request));
}

/// Takes the control message of now: whatever a message of the scan tells was done before it.
void NatsReader::refresh() {
  const Control& control = session_.refresh(session_.patience());
  if (map_ && map_of_ == session_.control_sequence() && !control.intent) return;
  const bool is_first = !map_;
  map_ = control.map();
  map_of_ = session_.control_sequence();
  ends_.refresh(session_);
  if (!is_first && (descendants_ || !listed_)) adopt(false);
}

/// Children of what is read are read from their beginning. Those that are there at the start, and whose parents do not
/// begin at a number, begin with what is left.
void NatsReader::adopt(bool at_start) {
  for (const Shard& shard : map_->shards()) {
    if (cursors_.contains(shard.id)) continue;
    bool is_child = !listed_;
    bool by_number = !at_start;
    Timestamp not_before = Timestamp::max();
    for (const ShardId parent : shard.parents()) {
      const auto found = cursors_.find(parent);
      if (found == cursors_.end()) continue;
      is_child = true;
      by_number = by_number || found->second.by_number;
      not_before = std::min(not_before, found->second.not_before);
    }
    if (!is_child) continue;
    Cursor cursor{.next = first_number(shard, ends_), .by_number = by_number};
    cursor.not_before = std::max(not_before == Timestamp::max() ? Timestamp::min() : not_before, not_before_);
    cursors_.emplace(shard.id, cursor);
  }
}

std::optional<DataMessage> NatsReader::next_message(bool wanted) {
  if (peeked_) return std::exchange(peeked_, std::nullopt);
  if (bounded_) return scan_->next();
  if (auto message = scan_->next(0ms)) return message;
  if (!wanted) return std::nullopt;
  at_tail_ = scan_->at_tail();
  return at_tail_ ? std::nullopt : scan_->next(0ms);
}

void NatsReader::fetch(std::size_t budget) {
  std::size_t bytes = 0;
  bool has_batch = !fetched_.empty();
  while (!damage_) {
    auto message = next_message(!has_batch);
    if (!message) break;
    if (message->is_end()) {
      fetched_.push_back({std::move(*message)});
      continue;
    }
    if (has_batch && bytes >= budget) {  // but for ends of shards, which are told with their last batches
      peeked_ = std::move(message);
      break;
    }
    Fetched batch{std::move(*message)};
    try {
      batch.facts = batch.message.facts();
    } catch (const Error& error) {
      batch.fault = error;
    }
    has_batch = true;
    bytes += std::max<std::size_t>(batch.message.payload().size(), batch.facts.bytes);
    fetched_.push_back(std::move(batch));
  }
}

/// Adds a gap from the cursor to `last`, if records that were wanted are in it, and goes on after it.
void NatsReader::add_gap(ShardId shard, Cursor& cursor, std::uint64_t last, Timestamp newest, ReadResult& result) {
  const std::uint64_t first = std::exchange(cursor.next, std::max(cursor.next, last + 1));
  if (first >= cursor.next) return;
  const std::uint64_t told = std::min(last, end_ - 1);
  if (!cursor.by_number || newest < cursor.not_before || told < first) return;
  const auto before = std::ranges::find_if(
      result.gaps, [&](const Gap& gap) { return gap.shard == shard && SequenceNumber(first - 1) == gap.last; });
  if (before != result.gaps.end()) {
    before->last = SequenceNumber(told);
  } else {
    result.gaps.push_back({shard, SequenceNumber(first), SequenceNumber(told)});
  }
}

void NatsReader::tell_trimmed(ReadResult& result) {
  const Duration retention = session_.control().settings.retention;
  expired_ =
      retention == forever ? Timestamp::min() : expiry(retention, scan_->servers_now()).value_or(Timestamp::min());
  const Trimmed& trimmed = session_.control().trimmed;
  if (trimmed_ != trimmed.sequence) {
    for (auto& [shard, cursor] : cursors_) {
      const auto found = trimmed.shards.find(shard);
      if (found != trimmed.shards.end()) add_gap(shard, cursor, found->second.last, trimmed.newest, result);
    }
    trimmed_ = trimmed.sequence;
  }
}

Error NatsReader::damaged(const DataMessage& message, const Error& why) const {
  return {why.code(), session_.what(fmt::format("{}: sequence number {}: {}", message.shard.to_string(),
                                                message.sequence * numbers_a_message, why.what()))};
}

void NatsReader::deliver(Fetched fetched, Cursor& cursor, ReadResult& result) {
  const DataMessage& message = fetched.message;
  const std::uint64_t number = message.sequence * numbers_a_message;
  const std::uint64_t count = fetched.facts.count;
  const std::uint64_t first = cursor.next > number ? cursor.next - number : 0;
  const std::uint64_t last = std::min(count, end_ - number);
  if (first >= last) return;
  try {
    check(fetched.facts, session_.uuid(), message.shard, message.payload());
    RecordBatch records = RecordBatch::decode(Bytes(message.payload()));
    if (records.size() != count) throw Error(ErrorCode::corrupt, "its header tells another number of records");
    result.batches.push_back({message.shard, Arrivals(message.time), sequences_of(message.sequence, count),
                              std::move(records), first, last - first});
  } catch (const Error& error) {
    damage_ = damaged(message, error);
    return;
  }
  cursor.next = number + last;
  cursor.not_before = Timestamp::min();
}

void NatsReader::take(Fetched fetched, ReadResult& result) {
  const DataMessage& message = fetched.message;
  const std::uint64_t number = message.sequence * numbers_a_message;
  if (message.is_end()) {
    ends_.note(message);
    return;
  }
  if (message.sequence <= session_.control().trimmed.sequence || number >= end_ || ends_.is_void(message)) return;
  if (until_ && message.time >= *until_) {
    end_ = number;
    return;
  }
  const auto found = cursors_.find(message.shard);
  if (found == cursors_.end()) {
    if (map_->find(message.shard) == nullptr) {
      damage_ = damaged(message, Error(ErrorCode::corrupt, "there is no such shard"));
    }
    return;
  }
  if (fetched.fault) {
    damage_ = Error(fetched.fault->code(), session_.what(fetched.fault->what()));
    return;
  }
  Cursor& cursor = found->second;
  const std::uint64_t last = number + fetched.facts.count - 1;
  if (message.time < std::max(cursor.hidden_before, cursor.not_before)) {
    cursor.next = std::max(cursor.next, last + 1);
  } else if (message.time < expired_) {
    add_gap(message.shard, cursor, last, message.time, result);
  } else {
    deliver(std::move(fetched), cursor, result);
  }
}

void NatsReader::tell_ends(ReadResult& result) {
  const std::uint64_t position = peeked_ ? peeked_->sequence : scan_->position();
  for (auto& [shard, cursor] : cursors_) {
    if (cursor.ended || map_->at(shard).open()) continue;
    const std::uint64_t end = ends_.of(shard).value_or(no_number);
    if (position <= end && cursor.next / numbers_a_message <= end) continue;
    cursor.ended = true;
    result.ended.push_back(shard);
  }
}

/// All that was fetched is delivered: whether that is the end.
bool NatsReader::at_end() {
  if (damage_) return false;
  const std::uint64_t position = peeked_ ? peeked_->sequence : scan_->position();
  if (end_ != no_number && position * numbers_a_message >= end_) return true;
  if (bounded_) return !peeked_ && scan_->over();
  if (until_ && at_tail_ && scan_->servers_now() >= *until_) return true;
  return listed_ && std::ranges::all_of(cursors_, [](const auto& each) { return each.second.ended; });
}

ReadResult NatsReader::next(std::size_t budget) {
  ReadResult result;
  if (!scan_) begin();
  for (;;) {
    at_tail_ = false;
    fetch(budget);
    refresh();  // after that: what was trimmed while it was fetched, and shards that have opened
    tell_trimmed(result);
    if (!std::exchange(begun_, true)) {
      for (auto& [shard, cursor] : cursors_) {
        if (!cursor.by_number) cursor.hidden_before = expired_;
        cursor.by_number = true;
      }
    }
    for (Fetched& each : std::exchange(fetched_, {})) {
      if (!damage_) take(std::move(each), result);
    }
    tell_ends(result);
    result.at_end = at_end();
    result.at_tail = at_tail_ || result.at_end;
    const bool is_empty = result.batches.empty() && result.gaps.empty();
    if (is_empty && damage_) throw Error(*damage_);
    if (!is_empty || result.at_end || at_tail_) return result;
  }
}

bool NatsReader::wait(Duration timeout, std::stop_token stop) {
  if (!scan_) begin();
  if (until_) timeout = std::clamp<Duration>(*until_ - scan_->servers_now(), 0ms, std::min<Duration>(timeout, 100ms));
  if (!notice_ || bounded_) {
    sleep_for(timeout, stop);
    return false;
  }
  const auto begun = Steady::now();
  while (!stop.stop_requested()) {
    const Duration left = timeout - std::chrono::duration_cast<Duration>(Steady::now() - begun);
    if (peeked_ || scan_->wait(std::clamp<Duration>(left, 0ms, look_at_others))) return true;
    if (hints_ && hints_->heard(0ms)) return true;
    if (left <= 0ms) break;
  }
  return false;
}

}  // namespace

std::unique_ptr<Reader> read(Session& session, const ReadRequest& request) {
  return std::make_unique<NatsReader>(session, request);
}

}  // namespace shardlog::nats
