#pragma once

#include <optional>
#include <span>

#include "shardlog/log/parts.h"
#include "shardlog/nats/session.h"

/// How shards are closed and opened. The data stream takes messages of one epoch only, so that a new epoch seals every
/// shard for writers that know only the old one:
///
///     1  control message: the intent, with the epoch e+1
///     2  the data stream takes <e+1>.> only
///     3  after a while, for what was on its way: the marker <e+1>.<parent>.end. The first one stored ends the parent.
///     4  control message: parents closed at their markers, children open, epoch e+1, no intent
///
/// Any process can do 2 to 4 for another one that was killed or is stopped, also several at once: a marker is stored
/// once, and only one change of the control message succeeds. A batch of a closed shard after its marker is void.
namespace shardlog::nats {

class Resharder final : public Resharding {
 public:
  /// `session` must outlive it.
  explicit Resharder(Session& session) : session_(session) {}

  std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version,
                                         const ValueChanges& attributes) override;

  /// All of them: one seal takes as long for many steps as for one.
  std::optional<Applied> apply_some(std::span<const ReshardStep> steps, ShardMap::Version version,
                                    const ValueChanges& attributes) override;

 private:
  Session& session_;
};

/// If the control message has an intent, waits up to 2 s for whoever began it, and then does the rest itself. Also for
/// a stream that is open for reading. On return session.control() is from after that, and has not the intent that it
/// had. Throws as Session::change().
void finish_intent(Session& session, const Patience& patience);

/// Lets the data stream take the epoch of the control message, which it reads. For a writer that nobody answers
/// although there is no intent: a process that was stopped while it did step 2 may have undone a later one. Throws as
/// Session::refresh().
void set_subjects(Session& session, const Patience& patience);

}  // namespace shardlog::nats
