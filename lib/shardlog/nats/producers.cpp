#include "shardlog/nats/producers.h"

#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/uuid.h"
#include "shardlog/nats/redo.h"

namespace shardlog::nats {

namespace {

/// Those that were not forgotten.
std::vector<Producer> producers_of(const std::vector<KeptSlot>& newest) {
  std::vector<Producer> producers;
  for (const KeptSlot& kept : newest) {
    if (kept.slot.to) producers.push_back({kept.slot.id, *kept.slot.to, kept.at});
  }
  return producers;
}

}  // namespace

Producers::Producers(Session& session) : session_(session), slots_(session) {}

std::vector<Producer> Producers::of(const std::string& name) {
  const Patience patience = session_.patience();
  const auto newest = slots_.newest_of(name, patience);
  for (const KeptSlot& kept : newest) {
    if (!session_.writes() || completed_[kept.slot.id] == kept.sequence) continue;
    recover(session_, slots_, kept, patience);
    completed_[kept.slot.id] = kept.sequence;
  }
  return producers_of(newest);
}

std::vector<Producer> Producers::all() {
  return producers_of(slots_.newest_of_all(session_.patience()));
}

bool Producers::forget(const std::string& name) {
  session_.require_writable();
  const Patience patience = session_.patience();
  bool is_known = false;
  for (const KeptSlot& newest : slots_.newest_of(name, patience)) {
    if (!newest.slot.to) continue;
    is_known = true;
    recover(session_, slots_, newest, patience);
    const auto first = forget(newest, patience);
    const auto second = forget(*first, patience);
    if (second) slots_.trim(newest.slot.id, first->sequence);
  }
  return is_known;
}

/// Takes the slot after `newest`. Throws fenced if somebody else is faster.
std::optional<KeptSlot> Producers::forget(const KeptSlot& newest, const Patience& patience) {
  const Slot slot{.id = newest.slot.id, .number = newest.slot.number + 1, .token = make_uuid()};
  const auto claimed = slots_.claim(slot, patience);
  if (!claimed || !slots_.is_newest(slot, newest, patience)) {
    if (claimed) slots_.remove(*claimed);
    throw Error(ErrorCode::fenced, "producer " + quote(slot.id.name) + ": another run moves it on");
  }
  return KeptSlot{slot, *claimed, session_.clock().now()};
}

}  // namespace shardlog::nats
