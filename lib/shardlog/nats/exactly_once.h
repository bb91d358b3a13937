#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/nats/shard_publisher.h"
#include "shardlog/nats/slot_store.h"

namespace shardlog::nats {

/// Throws usage for a name, a source or a proof that exceeds its limits, and for moves of several sources.
void check_moves(std::span<const ProducerMove> moves);

/// Appends that move a producer. Each is one slot of its source, in these steps:
///
///     read      the last sequence of each subject that parts will go to
///     body      is kept: nothing is stored yet
///     claimed   slot n+1. This is the commit: whoever opens the producer next completes it, from any step on.
///     checked   slot n is still there, so the claim was not one of a slot that had been removed
///     stored    all parts, in parallel; what was disturbed is completed as by anybody else (redo.h)
///     removed   the body: the slot is complete
///
/// A process that is killed before `claimed` has stored nothing; its body stays until it is trimmed. One that is killed
/// later leaves a slot with a body, which says what to do. One that goes on after minutes of suspension:
///
/// - before `claimed`: somebody else has the slot, or the check finds that it had been removed: fenced.
/// - between `claimed` and `stored`: the parts that others have stored for it meanwhile are refused, by their id or by
///   the last sequence of their subject, which has changed since `read`. After half of the servers' window of
///   duplicates it does not even try before it has looked. Its next claim is fenced.
/// - before `removed`: it removes one message by its sequence, which is never used again.
///
/// For the thread of the session.
class ExactlyOnce {
 public:
  /// All must outlive it.
  ExactlyOnce(Session& session, ShardPublisher& publisher);

  /// As Stream::append(), if there are moves. Does not trim.
  std::vector<Outcome> append(const AppendRequest& request, const Patience& patience);

 private:
  /// How far a producer has come, as this process knows it.
  struct State {
    std::optional<KeptSlot> newest{};
    std::uint64_t epoch = 0;
    std::map<ShardId, std::uint64_t> last{};  ///< of its subjects in that epoch
    struct Claim {
      std::uint64_t sequence = 0;
      Duration at{0};  ///< by Clock::elapsed()
    };
    std::deque<Claim> claims{};  ///< of this process, those that are not removed yet
    Duration trimmed_at{0};      ///< by Clock::elapsed()

    [[nodiscard]] std::optional<SequenceNumber> position() const;
  };

  State& state_of(const ProducerId& id, const Patience& patience);
  State& state_for(const ProducerMove& move, const Patience& patience);
  void learn_last(State& state, const ProducerId& id, std::span<const RoutedBatch> batches, const Patience& patience);
  std::vector<Outcome> store_claimed(State& state, const Slot& slot, std::span<const RoutedBatch> batches,
                                     const Patience& patience);
  std::vector<Outcome> store_parts(State& state, const KeptSlot& kept, std::span<const RoutedBatch> batches,
                                   Duration claimed_at, const Patience& patience);
  std::vector<Outcome> redo(const KeptSlot& kept, std::span<const RoutedBatch> batches, const Patience& patience);
  void trim(State& state);

  Session& session_;
  ShardPublisher& publisher_;
  SlotStore slots_;
  std::map<ProducerId, State> states_;  ///< of those that this process has written for
};

}  // namespace shardlog::nats
