#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/nats/session.h"
#include "shardlog/nats/slots.h"

namespace shardlog::nats {

/// A slot as it is kept.
struct KeptSlot {
  Slot slot;
  std::uint64_t sequence = 0;  ///< in the producers' stream
  Timestamp at{};              ///< when it was claimed, by the servers
};

/// The slots of the producers, in a JetStream stream that takes one message a subject and refuses a second one.
///
/// That makes a claim atomic, and the newest slot is never removed. So slot n+1 can be claimed once, by one process.
/// What breaks this is a slot that was removed: a process that was suspended before its claim of it would succeed. So
/// the newest two slots are never removed, and a claim only counts when it has seen, afterwards, that the slot before
/// it is still there: the same message, by its sequence. Then its own slot was never removed either.
///
/// For the thread of the session, which must outlive it. Throws as Patience::insist(), and corrupt.
class SlotStore {
 public:
  explicit SlotStore(Session& session) : session_(session) {}

  /// The newest slot of a producer and source; nullopt if it has none.
  std::optional<KeptSlot> newest(const ProducerId& id, const Patience& patience);
  /// The newest slots of all sources of a producer; of all producers. In the order of their ids. What has not changed
  /// since the last call is not read again.
  std::vector<KeptSlot> newest_of(const std::string& name, const Patience& patience);
  std::vector<KeptSlot> newest_of_all(const Patience& patience);

  /// Keeps the body of a slot before it is claimed. Returns its sequence. Nothing is stored by that: what it throws
  /// for want of servers is busy.
  std::uint64_t put_body(const Slot& slot, std::span<const RoutedBatch> parts, const Patience& patience);

  /// Claims the slot and returns its sequence; nullopt if somebody else has it. Throws busy (it is not claimed), io
  /// (nobody knows) and full.
  std::optional<std::uint64_t> claim(const Slot& slot, const Patience& patience);

  /// Whether a claim counts. `before` is the slot before it, nullopt before the first one.
  bool is_newest(const Slot& claimed, const std::optional<KeptSlot>& before, const Patience& patience);

  /// The parts of a slot; nullopt if they are in the data stream.
  std::optional<std::vector<RoutedBatch>> body_of(const Slot& slot, const Patience& patience);
  bool has_body(const Slot& slot, const Patience& patience);

  /// Removes a message, the body of a slot that is complete for instance. Does not wait: if it stays, the next process
  /// that opens the producer for writing finds the slot complete, and removes it.
  void remove(std::uint64_t sequence);

  /// Removes the slots before `sequence`, and what is left of their bodies. Gives up silently: the next call does it.
  void trim(const ProducerId& id, std::uint64_t sequence);

  /// Removes the slots of a producer that are older than 10 minutes, but for the newest two.
  void trim_old(const ProducerId& id, const KeptSlot& newest, const Patience& patience);

 private:
  std::vector<KeptSlot> newest_on(const std::string& filter, const Patience& patience);
  std::map<std::string, std::uint64_t> newest_numbers(const std::string& filter, const Patience& patience);
  std::optional<KeptSlot> slot_on(const std::string& subject, const Patience& patience);
  std::map<std::string, std::uint64_t> subjects(const std::string& filter, const Patience& patience);
  [[nodiscard]] std::string subject_of(const Slot& slot) const;
  [[nodiscard]] std::string body_subject(const Slot& slot) const;
  [[nodiscard]] std::string what(const ProducerId& id, std::string_view doing) const;

  Session& session_;
  std::map<std::string, KeptSlot> read_;  ///< by subjects without the number; without their bodies they are small
};

}  // namespace shardlog::nats
