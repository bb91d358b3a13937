#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/parts.h"
#include "shardlog/nats/slot_store.h"

namespace shardlog::nats {

/// How far producers have come, by their newest slots. The time of a move is that of the slot's claim.
class Producers final : public ProducerStore {
 public:
  /// `session` must outlive it.
  explicit Producers(Session& session);

  /// If the stream is open for writing, first completes what was committed, so that the caller can go on from there.
  std::vector<Producer> of(const std::string& name) override;
  std::vector<Producer> all() override;

  /// Takes two more slots of each source, which say that it was forgotten. So those that were suspended before they
  /// moved the producer find that it has gone on, and the numbers of its slots are never used again.
  bool forget(const std::string& name) override;

 private:
  std::optional<KeptSlot> forget(const KeptSlot& newest, const Patience& patience);

  Session& session_;
  SlotStore slots_;
  std::map<ProducerId, std::uint64_t> completed_;  ///< the sequences of newest slots that are complete
};

}  // namespace shardlog::nats
