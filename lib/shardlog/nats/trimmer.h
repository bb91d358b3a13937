#pragma once

#include <cstdint>
#include <optional>

#include "shardlog/log/records.h"
#include "shardlog/nats/session.h"
#include "shardlog/nats/tally.h"

namespace shardlog::nats {

/// Removes what may go: records past retention, those that every consumer has passed if that is the retention, and the
/// oldest ones of a bounded stream that has no room. It takes messages of the data stream from its beginning on, up to
/// the first one that must stay, and counts them: first into the control message, so that readers can report exactly
/// what they missed, and then out of the data stream. If it is killed in between, the next trimmer removes them.
///
/// The clock of this process decides nothing: if it is an hour ahead, nothing goes earlier.
class Trimmer {
 public:
  /// It must outlive it, and be open for writing.
  explicit Trimmer(Session& session) : session_(session), tally_(session) {}

  /// Call it before each append. It looks for work now and then, does some of it, and lets the rest wait. Does not fail
  /// for a server that does not answer: the append will. Throws not_found, permission and corrupt.
  void maybe_trim();

  /// Makes room for so many bytes of data and keys in a bounded stream. What to answer to the append if there is none;
  /// nullopt if there is. Several writers at once may find the same room: then the stream holds more than its bound, by
  /// what these writers append at once. Throws as Scan, and as Session::change().
  std::optional<Outcome> make_room(std::uint64_t bytes);

  /// Removes all that may go now. Throws as make_room().
  void finish();

 private:
  bool step(std::uint64_t excess);
  void purge();
  [[nodiscard]] bool is_due();

  Session& session_;
  Tally tally_;  ///< used only for a bounded stream
  Duration next_look_ = Duration::min();
  bool is_late_ = false;       ///< the last look left messages that may go
  bool may_have_rest_ = true;  ///< something that was trimmed may still be in the data stream
  Timestamp oldest_{};         ///< by the servers' clock: no message that is there came before
  Timestamp servers_time_{};   ///< by the servers' clock, when this process's stood at `looked_at_`
  Duration looked_at_{0};
  bool has_looked_ = false;
};

}  // namespace shardlog::nats
