#include "shardlog/nats/read_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "shardlog/core/numbers.h"

namespace shardlog::nats {

namespace {

using namespace std::chrono_literals;

/// Times step back when another server becomes the leader, by as much as the clocks of the servers differ. A search for
/// a time begins that much earlier.
constexpr Duration most_step_back = 10s;

std::uint64_t number_of(const SequenceNumber& sequence) {
  return parse_number<std::uint64_t>(sequence.to_string()).value_or(no_number);
}

bool is_number(const Position& position) {
  return std::holds_alternative<AtSequence>(position) || std::holds_alternative<AfterSequence>(position);
}

/// The state of the stream at the moment of a call, and where positions are in it.
class Places {
 public:
  Places(Session& session, ShardEnds& ends)
      : session_(session),
        last_(last_sequence(session)),  // before the control message: then that has every shard up to there
        control_(session.refresh(session.patience())),
        map_(control_.map()),
        ends_(ends) {
    ends_.refresh(session);
  }

  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] const ShardMap& map() const { return map_; }
  [[nodiscard]] std::uint64_t tail() const { return (last_ + 1) * numbers_a_message; }

  /// All of them if none is named. Throws not_found.
  [[nodiscard]] std::vector<ShardId> chosen(const std::vector<ShardId>& shards) const;

  /// In one shard. REQUIRES: not LastRecords
  Cursor at(ShardId shard, const Position& position);
  Cursor at(const ShardStart& start);
  /// In each of these shards.
  Cursors at(const Position& position, const std::vector<ShardId>& shards);

  /// A number for all shards, from which on a read is over; nullopt: it is a time that has not come.
  std::optional<std::uint64_t> end_at(const Position& position, const std::vector<ShardId>& shards);

  /// Throws trimmed if records from the cursor on, which has a number, cannot be read any more.
  void check_is_there(ShardId shard, const Cursor& cursor);
  /// Throws trimmed if records that arrived then or later cannot be read any more.
  void check_is_there(Timestamp time);

  /// The message that has the first record of the shard from `number` on that arrived at `time` or later; nullopt if
  /// there is none.
  std::optional<KeptMessage> first_from(ShardId shard, std::uint64_t number, Timestamp time = Timestamp::min());
  /// The first message that can be read.
  std::uint64_t horizon();

 private:
  struct Counted {
    std::map<ShardId, std::uint64_t> begins;  ///< the first number of each shard that has some
    std::uint64_t first;                      ///< of all
  };
  Counted count_back(std::uint64_t count, const std::vector<ShardId>& shards);
  std::uint64_t first_message_at(Timestamp time);
  [[nodiscard]] Timestamp expired();
  [[nodiscard]] std::uint64_t first_kept() const { return control_.trimmed.sequence + 1; }

  Session& session_;
  std::uint64_t last_;
  Control control_;
  ShardMap map_;
  ShardEnds& ends_;
  std::map<Timestamp, std::uint64_t> found_times_;
  std::optional<Timestamp> expired_{};
};

std::vector<ShardId> Places::chosen(const std::vector<ShardId>& shards) const {
  std::vector<ShardId> result;
  result.reserve(std::max(shards.size(), map_.shards().size()));
  for (const ShardId id : shards) result.push_back(map_.at(id).id);
  std::sort(result.begin(), result.end());
  if (!result.empty()) return result;
  for (const Shard& shard : map_.shards()) result.push_back(shard.id);
  return result;
}

/// What arrived before this time is past retention.
Timestamp Places::expired() {
  if (control_.settings.retention == forever) return Timestamp::min();
  if (!expired_) {
    Scan scan(session_, {.from = last_ + 1, .follow = true});
    expired_ = expiry(control_.settings.retention, scan.servers_now()).value_or(Timestamp::min());
  }
  return *expired_;
}

/// The first message that came at this time or later, and was not trimmed; the one after the last if there is none.
std::uint64_t Places::first_message_at(Timestamp time) {
  if (time == Timestamp::min()) return first_kept();
  const auto [found, is_new] = found_times_.try_emplace(time, last_ + 1);
  if (!is_new) return found->second;
  Scan scan(session_, {.from_time = time - most_step_back, .until = last_, .headers_only = true});
  while (const auto message = scan.next()) {
    if (message->time < time) continue;
    found->second = std::max(message->sequence, first_kept());
    break;
  }
  return found->second;
}

std::uint64_t Places::horizon() {
  return first_message_at(expired());
}

Cursor Places::at(ShardId shard, const Position& position) {
  const std::uint64_t first = first_number(map_.at(shard), ends_);
  if (std::holds_alternative<TrimHorizon>(position)) return {.next = first, .by_number = false};
  if (const auto* const at = std::get_if<AtTime>(&position)) {
    const std::uint64_t message = first_message_at(std::max(at->time, expired()));
    return {.next = std::max(first, message * numbers_a_message), .not_before = at->time};
  }
  if (const auto* const at = std::get_if<AtSequence>(&position)) {
    return {.next = std::max(first, number_of(at->sequence)), .not_before = at->not_before.value_or(Timestamp::min())};
  }
  if (const auto* const after = std::get_if<AfterSequence>(&position)) {
    const std::uint64_t number = number_of(after->sequence);
    return {.next = std::max(first, number == no_number ? number : number + 1)};
  }
  return {.next = std::max(first, tail())};
}

Cursor Places::at(const ShardStart& start) {
  if (const auto* const beginning = std::get_if<Beginning>(&start.from)) {
    return {.next = first_number(map_.at(start.shard), ends_),
            .not_before = beginning->not_before.value_or(Timestamp::min())};
  }
  const auto position = std::visit(
      [](const auto& from) -> Position {
        if constexpr (std::is_same_v<std::decay_t<decltype(from)>, Beginning>) {
          return TrimHorizon{};  // does not come here
        } else {
          return from;
        }
      },
      start.from);
  return at(start.shard, position);
}

Cursors Places::at(const Position& position, const std::vector<ShardId>& shards) {
  if (is_number(position) && shards.size() != 1) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  }
  Cursors cursors;
  for (const ShardId id : chosen(shards)) cursors.emplace(id, at(id, position));
  if (const auto* const records = std::get_if<LastRecords>(&position)) {
    for (const auto& [shard, number] : count_back(records->count, chosen(shards)).begins) {
      cursors.at(shard).next = number;
    }
  }
  return cursors;
}

/// Where the last `count` records of these shards begin, all in all.
Places::Counted Places::count_back(std::uint64_t count, const std::vector<ShardId>& shards) {
  struct Batch {
    std::uint64_t sequence;
    ShardId shard;
    std::uint64_t records;
  };
  constexpr std::uint64_t growth = 4;
  Counted counted{{}, tail()};
  std::uint64_t window = std::clamp<std::uint64_t>(count, 16, 1024);  // messages
  const std::uint64_t first = count == 0 ? last_ + 1 : horizon();
  for (std::uint64_t end = last_ + 1; end > first && count > 0; window *= growth) {
    const std::uint64_t begin = end - std::min(window, end - first);
    std::vector<Batch> batches;
    Scan scan(session_, {.from = begin, .until = end - 1, .shards = shards, .headers_only = true});
    while (const auto message = scan.next()) {
      if (message->is_end()) {
        ends_.note(*message);
      } else if (!ends_.is_void(*message) && message->time >= expired()) {
        batches.push_back({message->sequence, message->shard, message->facts().count});
      }
    }
    for (auto batch = batches.rbegin(); batch != batches.rend() && count > 0; ++batch) {
      const std::uint64_t taken = std::min(count, batch->records);
      counted.first = batch->sequence * numbers_a_message + batch->records - taken;
      counted.begins.insert_or_assign(batch->shard, counted.first);
      count -= taken;
    }
    end = begin;
  }
  return counted;
}

std::optional<std::uint64_t> Places::end_at(const Position& position, const std::vector<ShardId>& shards) {
  if (std::holds_alternative<TrimHorizon>(position)) return horizon() * numbers_a_message;
  if (const auto* const records = std::get_if<LastRecords>(&position)) {
    return count_back(records->count, chosen(shards)).first;
  }
  if (const auto* const at = std::get_if<AtTime>(&position)) {
    const std::uint64_t message = first_message_at(at->time);
    return message <= last_ ? std::optional(message * numbers_a_message) : std::nullopt;
  }
  if (!is_number(position)) return tail();
  if (shards.size() != 1) throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  return at(shards.front(), position).next;
}

std::optional<KeptMessage> Places::first_from(ShardId shard, std::uint64_t number, Timestamp time) {
  const std::string what = session_.what("look for a record");
  Patience patience = session_.patience();
  std::uint64_t sequence = std::max(first_kept(), number / numbers_a_message);
  while (sequence <= last_) {
    auto answer = patience.insist(what, [&](Duration wait) {
      return session_.js().next_on(session_.names().data_stream(), session_.names().data_filter(shard), sequence, wait);
    });
    if (const auto* const refused = std::get_if<Refusal>(&answer)) {
      if (refused->code == refusal::no_message) return std::nullopt;
      throw error_of(what, *refused);
    }
    auto& message = std::get<KeptMessage>(answer);
    const auto subject = parse_data_subject(message.subject);
    const auto header = message.header(batch_header);
    const auto end = ends_.of(shard);
    if (!subject || subject->last == end_of_shard || (end && message.sequence > *end)) return std::nullopt;
    const std::uint64_t after = message.sequence * numbers_a_message + (header ? parse_batch_facts(*header).count : 0);
    if (message.sequence <= last_ && message.time >= time && after > number) return std::move(message);
    sequence = message.sequence + 1;
  }
  return std::nullopt;
}

void Places::check_is_there(ShardId shard, const Cursor& cursor) {
  const auto found = control_.trimmed.shards.find(shard);
  const bool is_trimmed = found != control_.trimmed.shards.end() && cursor.next <= found->second.last &&
                          control_.trimmed.newest >= cursor.not_before;
  const auto is_expired = [&] {
    if (control_.settings.retention == forever) return false;
    const auto first = first_from(shard, cursor.next, cursor.not_before);
    return first && first->time < expired();
  };
  if (!is_trimmed && !is_expired()) return;
  throw Error(ErrorCode::trimmed,
              session_.what(fmt::format("sequence number {} of {} is trimmed", cursor.next, shard.to_string())));
}

void Places::check_is_there(Timestamp time) {
  const Trimmed& trimmed = control_.trimmed;
  const bool is_trimmed = trimmed.sequence > 0 && trimmed.newest >= time;
  if (!is_trimmed && (time >= expired() || first_message_at(time) >= horizon())) return;
  throw Error(ErrorCode::trimmed,
              session_.what(fmt::format("records that arrived at {} or later are trimmed", to_rfc3339(time))));
}

Cursors begin(Places& places, const ReadRequest& request) {
  if (request.starts.empty()) return places.at(request.from, request.shards);
  Cursors cursors;
  for (const ShardStart& start : request.starts) {
    if (!cursors.emplace(start.shard, places.at(start)).second) {
      throw Error(ErrorCode::usage, start.shard.to_string() + " is listed twice");
    }
  }
  return cursors;
}

}  // namespace

std::uint64_t first_number(const Shard& shard, const ShardEnds& ends) {
  std::uint64_t message = 1;
  for (const ShardId parent : shard.parents()) message = std::max(message, ends.of(parent).value_or(0) + 1);
  return message * numbers_a_message;
}

ReadStart resolve(Session& session, const ReadRequest& request, ShardEnds& ends) {
  Places places(session, ends);
  ReadStart start{.cursors = begin(places, request), .last = places.last()};
  if (request.strict) {
    for (const auto& [shard, cursor] : start.cursors) {
      if (cursor.by_number) places.check_is_there(shard, cursor);
    }
    const auto* const at = request.starts.empty() ? std::get_if<AtTime>(&request.from) : nullptr;
    if (at != nullptr) places.check_is_there(at->time);
  }
  if (!request.follow) start.end = places.tail();
  if (!request.until) return start;
  std::vector<ShardId> shards = request.shards;
  if (!request.starts.empty()) {
    shards.clear();
    for (const ShardStart& each : request.starts) shards.push_back(each.shard);
  }
  if (const auto end = places.end_at(*request.until, shards)) {
    start.end = std::min(start.end, *end);
  } else {
    start.until = std::get<AtTime>(*request.until).time;
  }
  return start;
}

std::vector<LocatedStart> locate(Session& session, const Position& position, const std::vector<ShardId>& shards) {
  ShardEnds ends;
  Places places(session, ends);
  const auto* const time = std::get_if<AtTime>(&position);
  std::vector<LocatedStart> located;
  for (auto& [shard, cursor] : places.at(position, shards)) {
    if (is_number(position)) places.check_is_there(shard, cursor);
    if (!cursor.by_number) cursor.next = std::max(cursor.next, places.horizon() * numbers_a_message);
    LocatedStart start{.shard = shard, .next = SequenceNumber(cursor.next)};
    const bool is_closed = !places.map().at(shard).open();
    if (time != nullptr) {
      const auto first = places.first_from(shard, cursor.next, time->time);
      start.next = SequenceNumber(first ? std::max(cursor.next, first->sequence * numbers_a_message) : places.tail());
      if (!first) start.not_before = time->time;
      start.at_end = is_closed && !first;
    } else {
      start.at_end = is_closed && !places.first_from(shard, cursor.next);
    }
    located.push_back(start);
  }
  return located;
}

}  // namespace shardlog::nats
