#include "shardlog/nats/exactly_once.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/utf8.h"
#include "shardlog/core/uuid.h"
#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/redo.h"

namespace shardlog::nats {

namespace {

constexpr std::size_t longest_name = 256;  // bytes
constexpr std::size_t longest_proof = 4096;

std::string text_of(const ProducerId& id) {
  return "producer " + quote(id.name) + (id.source.empty() ? "" : " (source " + quote(id.source) + ")");
}

Error fenced(const ProducerMove& move, const std::optional<SequenceNumber>& found) {
  const std::string expected = move.from ? move.from->to_string() : "the start";
  return {ErrorCode::fenced,
          found ? fmt::format("{} is at {}, not at {} as expected: another run has moved it on", text_of(move.id),
                              found->to_string(), expected)
                : fmt::format("{} is not at {} as expected: it was forgotten", text_of(move.id), expected)};
}

Error fenced(const ProducerId& id) {
  return {ErrorCode::fenced, text_of(id) + ": another run has moved it on"};
}

/// Throws malformed unless the batches fit a slot, and each of them a message of its own.
void check_size(std::span<const RoutedBatch> batches, std::uint64_t max_payload) {
  constexpr std::uint64_t headers = 4096;
  const std::uint64_t most = largest_append(max_payload);
  std::uint64_t bytes = 0;
  for (const RoutedBatch& batch : batches) bytes += batch.batch.payload.size();
  if (bytes <= most && bytes + body_overhead(batches.size()) + headers <= max_payload) return;
  throw Error(ErrorCode::malformed,
              fmt::format("append: {} bytes in one commit of a producer: the engine 'nats' stores at most {} here "
                          "(max_payload of its servers)",
                          bytes, most));
}

}  // namespace

void check_moves(std::span<const ProducerMove> moves) {
  for (const ProducerMove& move : moves) {
    const ProducerId& id = move.id;
    if (id.name.empty() || id.name.size() > longest_name || !utf8_length(id.name)) {
      throw Error(ErrorCode::usage, fmt::format("producer {}: a producer's name is 1 to {} bytes of UTF-8",
                                                quote(id.name), longest_name));
    }
    if (id.source.size() > longest_name || !utf8_length(id.source)) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: a producer's source is at most {} bytes of UTF-8", text_of(id), longest_name));
    }
    if (move.to.proof.size() > longest_proof) {
      throw Error(ErrorCode::usage, fmt::format("{}: a proof of {} bytes: at most {} are allowed", text_of(id),
                                                move.to.proof.size(), longest_proof));
    }
  }
  if (moves.size() > 1) {
    throw Error(ErrorCode::usage,
                fmt::format("append: {} moves in one commit: the engine 'nats' stores 1", moves.size()));
  }
}

std::optional<SequenceNumber> ExactlyOnce::State::position() const {
  if (!newest || !newest->slot.to) return std::nullopt;
  return newest->slot.to->sequence;
}

ExactlyOnce::ExactlyOnce(Session& session, ShardPublisher& publisher)
    : session_(session), publisher_(publisher), slots_(session) {}

std::vector<Outcome> ExactlyOnce::append(const AppendRequest& request, const Patience& patience) {
  check_moves(request.moves);
  check_size(request.batches, session_.js().connection().max_payload());
  const ProducerMove& move = request.moves.front();
  State& state = state_for(move, patience);
  const auto is_open = [&](const RoutedBatch& batch) { return shard_of(session_.control(), batch.shard).open(); };
  if (!std::ranges::all_of(request.batches, is_open)) return std::vector<Outcome>(request.batches.size(), Sealed{});
  learn_last(state, move.id, request.batches, patience);

  Slot slot{.id = move.id,
            .number = state.newest ? state.newest->slot.number + 1 : 1,
            .token = make_uuid(),
            .to = move.to,
            .floor = publisher_.floor(),
            .version = session_.control().version};
  if (!request.batches.empty()) slot.body = slots_.put_body(slot, request.batches, patience);
  try {
    return store_claimed(state, slot, request.batches, patience);
  } catch (...) {
    states_.erase(move.id);
    throw;
  }
}

/// Throws io if the parts are not all stored when time is up, or for lack of room: they are later, because they are
/// committed.
std::vector<Outcome> ExactlyOnce::store_claimed(State& state, const Slot& slot, std::span<const RoutedBatch> batches,
                                                const Patience& patience) {
  const Duration claimed_at = session_.clock().since_boot();
  const auto claimed = slots_.claim(slot, patience);
  if (!claimed) {
    if (slot.body) slots_.remove(*slot.body);
    throw fenced(slot.id);
  }
  try {
    if (!slots_.is_newest(slot, state.newest, patience)) {
      slots_.remove(*claimed);
      if (slot.body) slots_.remove(*slot.body);
      throw fenced(slot.id);
    }
    const KeptSlot kept{slot, *claimed, session_.clock().now()};
    std::vector<Outcome> outcomes = store_parts(state, kept, batches, claimed_at, patience);
    if (slot.body) slots_.remove(*slot.body);
    state.newest = kept;
    state.claims.push_back({*claimed, session_.clock().elapsed()});
    trim(state);
    return outcomes;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy && error.code() != ErrorCode::full) throw;
    throw Error(ErrorCode::io, std::string(error.what()) + ": it is committed, but not stored yet");
  }
}

ExactlyOnce::State& ExactlyOnce::state_of(const ProducerId& id, const Patience& patience) {
  const auto known = states_.find(id);
  if (known != states_.end()) return known->second;
  State state;
  state.newest = recover(session_, slots_, id, patience);
  if (state.newest) slots_.trim_old(id, *state.newest, patience);
  return states_.emplace(id, std::move(state)).first->second;
}

/// Throws fenced unless the producer is where the move begins.
ExactlyOnce::State& ExactlyOnce::state_for(const ProducerMove& move, const Patience& patience) {
  const bool is_known = states_.contains(move.id);
  State* state = &state_of(move.id, patience);
  if (is_known && state->position() != move.from) {  // another object of this process may have moved it
    states_.erase(move.id);
    state = &state_of(move.id, patience);
  }
  if (state->position() == move.from) return *state;
  throw fenced(move, state->position());
}

/// What the last message is on each subject that the batches will go to.
void ExactlyOnce::learn_last(State& state, const ProducerId& id, std::span<const RoutedBatch> batches,
                             const Patience& patience) {
  const std::uint64_t epoch = session_.control().epoch;
  if (std::exchange(state.epoch, epoch) != epoch) state.last.clear();
  for (const RoutedBatch& batch : batches) {
    if (state.last.contains(batch.shard)) continue;
    const std::string subject = session_.names().data_subject(epoch, batch.shard, producer_token(id));
    state.last.emplace(batch.shard, last_sequence_on(session_, subject, patience));
  }
}

/// Stores the parts of a slot that was claimed.
std::vector<Outcome> ExactlyOnce::store_parts(State& state, const KeptSlot& kept, std::span<const RoutedBatch> batches,
                                              Duration claimed_at, const Patience& patience) {
  if (batches.empty()) return {};
  std::vector<Outgoing> parts;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const std::string path = std::to_string(i);
    const RoutedBatch& batch = batches[i];
    parts.push_back({batch.shard, part_id(kept.slot.id, kept.slot.number, path),
                     part_headers(session_, kept.slot, path, batch.shard, batch.batch), batch.batch.payload.view()});
  }
  const PartTerms terms{producer_token(kept.slot.id), claimed_at, state.last};
  const auto fates = publisher_.publish(parts, terms, patience);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < fates.size(); ++i) {
    const auto* const stored = std::get_if<StoredAt>(&fates[i]);
    if (stored == nullptr) {
      state.last.clear();
      return redo(kept, batches, patience);
    }
    state.last[batches[i].shard] = stored->sequence;
    outcomes.emplace_back(Stored{sequences_of(stored->sequence, batches[i].batch.record_count), Arrivals(stored->at)});
  }
  return outcomes;
}

std::vector<Outcome> ExactlyOnce::redo(const KeptSlot& kept, std::span<const RoutedBatch> batches,
                                       const Patience& patience) {
  auto placed = complete(session_, slots_, kept, batches, patience);
  const Unknown removed{"it may have been stored, and removed since"};
  std::vector<Outcome> outcomes(placed.size(), removed);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (!placed[i]) continue;
    outcomes[i] =
        Stored{std::move(placed[i]->sequences), Arrivals(session_.clock().now()), std::move(placed[i]->shards)};
  }
  return outcomes;
}

/// Removes slots that are older than 10 minutes, once a minute, but never the newest two; and more than enough of them
/// at any time, so that they do not become too many to look at.
void ExactlyOnce::trim(State& state) {
  constexpr Duration between = std::chrono::minutes(1);
  constexpr Duration kept_for = std::chrono::minutes(10);
  constexpr std::size_t always_kept = 2;
  constexpr std::size_t most_kept = 10'000;
  constexpr std::size_t at_once = 1000;
  const Duration now = session_.clock().elapsed();
  auto& claims = state.claims;
  const bool is_due = now - state.trimmed_at >= between || claims.size() >= most_kept + at_once;
  if (!is_due) return;
  state.trimmed_at = now;
  std::size_t old = 0;
  while (old + always_kept < claims.size() && (now - claims[old].at > kept_for || claims.size() - old > most_kept)) {
    ++old;
  }
  if (old == 0) return;
  claims.erase(claims.begin(), claims.begin() + static_cast<std::ptrdiff_t>(old));
  slots_.trim(state.newest->slot.id, claims.front().sequence);
}

}  // namespace shardlog::nats
