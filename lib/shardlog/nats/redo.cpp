#include "shardlog/nats/redo.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/scan.h"
#include "shardlog/nats/shard_publisher.h"

namespace shardlog::nats {

namespace {

class Redo {
 public:
  Redo(Session& session, SlotStore& slots, const KeptSlot& kept, const Patience& patience)
      : session_(session),
        slots_(slots),
        kept_(kept),
        slot_(kept.slot),
        patience_(patience),
        producer_(producer_token(kept.slot.id)),
        what_(session.what(fmt::format("producer {}: store its batches", quote(kept.slot.id.name)))) {}

  std::vector<std::optional<Placed>> complete(std::span<const RoutedBatch> parts) {
    read_settled(session_, patience_);
    // Shards may be closed faster than this looks for all of its parts: so what was found once is not looked for again.
    for (;;) {
      const std::uint64_t epoch = session_.control().epoch;
      std::vector<std::optional<Placed>> placed;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        placed.push_back(place({std::to_string(i), parts[i].shard}, parts[i].batch));
      }
      // What was stored counts only if its shard was open then.
      if (read_settled(session_, patience_).epoch == epoch) return placed;
    }
  }

 private:
  /// A part or a piece of one, and the shard that it belongs to.
  struct Place {
    std::string path;
    ShardId shard;
  };

  /// Where the part was found, or stored, by this object; nullopt if that is after the end of its shard.
  [[nodiscard]] std::optional<std::uint64_t> known(const Place& place) const {
    const auto found = known_.find(place.path);
    if (found == known_.end()) return std::nullopt;
    const auto end = end_of(session_.control(), shard_of(session_.control(), place.shard));
    return !end || found->second < *end ? std::optional(found->second) : std::nullopt;
  }

  Placed note(const Place& place, std::uint64_t sequence, const EncodedBatch& batch) {
    known_.insert_or_assign(place.path, sequence);
    return {sequences_of(sequence, batch.record_count)};
  }

  /// Up to where to look for what may be stored by now. Nullopt: look at the shards again.
  std::optional<std::uint64_t> settled_on(const std::string& subject) {
    constexpr Duration wait = std::chrono::seconds(1);
    const auto answer = settled_sequence(session_, subject, wait);
    if (const auto* const sequence = std::get_if<std::uint64_t>(&answer)) return *sequence;
    if (const auto* const refusal = std::get_if<Refusal>(&answer)) throw error_of(what_, *refusal);
    patience_.again(what_, std::holds_alternative<NoAnswer>(answer));
    read_settled(session_, patience_);
    return std::nullopt;
  }

  /// What is in the data stream of the producer and a shard, up to `until`.
  std::optional<std::uint64_t> look_for(const Place& place, std::uint64_t until) {
    const std::uint64_t from = slot_.floor + 1;
    if (until < from) return std::nullopt;
    const ScanRequest request{
        .from = from, .until = until, .shards = {place.shard}, .producer = producer_, .headers_only = true};
    const std::string id = part_id(slot_.id, slot_.number, place.path);
    Scan scan(session_, request);
    while (const auto message = scan.next()) {
      if (message->id() == id) return message->sequence;
    }
    return std::nullopt;
  }

  std::optional<Placed> place(const Place& at, const EncodedBatch& batch) {
    for (;;) {
      if (const auto sequence = known(at)) return note(at, *sequence, batch);
      const Control& control = session_.control();
      const Shard& shard = shard_of(control, at.shard);
      if (const auto end = end_of(control, shard)) {
        if (!absent_.contains(at.path)) {
          if (const auto found = look_for(at, *end - std::min<std::uint64_t>(*end, 1))) return note(at, *found, batch);
          if (may_be_gone(at)) return std::nullopt;
          absent_.insert(at.path);  // for ever: nothing comes before the end of a shard any more
        }
        return place_in_children(at, batch);
      }
      const std::string subject = session_.names().data_subject(control.epoch, at.shard, producer_);
      const std::uint64_t epoch = control.epoch;
      const std::uint64_t last = last_sequence_on(session_, subject, patience_);
      const auto settled = settled_on(subject);
      if (!settled) continue;  // the shard may have been closed
      if (const auto found = look_for(at, *settled)) return note(at, *found, batch);
      if (is_over_ || may_be_gone(at)) return std::nullopt;
      if (session_.control().epoch != epoch) continue;
      if (!slots_.has_body(slot_, patience_)) {
        is_over_ = true;  // somebody else has stored all of them: look once more
        continue;
      }
      if (const auto stored = publish(at, batch, subject, last)) return note(at, *stored, batch);
      read_settled(session_, patience_);
    }
  }

  /// One try. Nullopt: look again.
  std::optional<std::uint64_t> publish(const Place& at, const EncodedBatch& batch, const std::string& subject,
                                       std::uint64_t last) {
    constexpr Duration wait = std::chrono::seconds(2);
    Headers headers = part_headers(session_, slot_, at.path, at.shard, batch);
    headers.emplace_back(id_header, part_id(slot_.id, slot_.number, at.path));
    headers.emplace_back("Nats-Expected-Last-Subject-Sequence", std::to_string(last));
    const auto answer = session_.js().publish(subject, headers, batch.payload.view(), wait);
    if (const auto* const published = std::get_if<Published>(&answer)) return published->sequence;
    if (const auto* const refusal = std::get_if<Refusal>(&answer)) {
      if (refusal->code != refusal::wrong_last_sequence) throw error_of(what_, *refusal);
      patience_.refused(what_, *refusal);
      return std::nullopt;
    }
    patience_.again(what_, std::holds_alternative<NoAnswer>(answer));
    return std::nullopt;
  }

  std::optional<Placed> place_in_children(const Place& at, const EncodedBatch& batch) {
    std::vector<Shard> children;
    for (const Shard& shard : session_.control().shards) {
      if (shard.parent == at.shard || shard.adjacent_parent == at.shard) children.push_back(shard);
    }
    std::vector<SequenceNumber> numbers(batch.record_count, SequenceNumber(0));
    std::vector<ShardId> shards(batch.record_count, at.shard);
    bool are_known = true;
    for (const Split& piece : split(batch, children)) {
      const auto placed = place({fmt::format("{}/{}", at.path, piece.shard.number()), piece.shard}, piece.batch);
      are_known = are_known && placed;
      for (std::size_t i = 0; placed && i < piece.records.size(); ++i) {
        numbers[piece.records[i]] = placed->sequences[i];
        shards[piece.records[i]] = placed->shards.empty() ? piece.shard : placed->shards[i];
      }
    }
    if (!are_known) return std::nullopt;
    return Placed{SequenceRun(std::move(numbers)), std::move(shards)};
  }

  /// A part that was not found may have been stored, and removed since: then it is not stored again.
  [[nodiscard]] bool may_be_gone(const Place& place) {
    session_.refresh(patience_);  // after the look: what was removed before that is in it
    return may_be_trimmed(session_.control(), place.shard, slot_.floor);
  }

  Session& session_;
  SlotStore& slots_;
  const KeptSlot& kept_;
  const Slot& slot_;
  Patience patience_;
  std::string producer_;
  std::string what_;
  bool is_over_ = false;                          ///< the slot is complete
  std::set<std::string> absent_{};                ///< paths of parts that are not in their shard, which is closed
  std::map<std::string, std::uint64_t> known_{};  ///< parts by their paths, and the sequences of their messages
};

}  // namespace

std::vector<std::optional<Placed>> complete(Session& session, SlotStore& slots, const KeptSlot& kept,
                                            std::span<const RoutedBatch> parts, const Patience& patience) {
  return Redo(session, slots, kept, patience).complete(parts);
}

void recover(Session& session, SlotStore& slots, const KeptSlot& kept, const Patience& patience) {
  const auto parts = slots.body_of(kept.slot, patience);
  if (!parts) return;
  complete(session, slots, kept, *parts, patience);
  slots.remove(*kept.slot.body);
}

std::optional<KeptSlot> recover(Session& session, SlotStore& slots, const ProducerId& id, const Patience& patience) {
  auto newest = slots.newest(id, patience);
  if (newest) recover(session, slots, *newest, patience);
  return newest;
}

Headers part_headers(const Session& session, const Slot& slot, std::string_view path, ShardId shard,
                     const EncodedBatch& batch) {
  return {{batch_header, batch_facts(session.uuid(), shard, batch, slot.version)},
          {producer_header, producer_facts(slot, path)}};
}

std::uint64_t last_sequence_on(Session& session, const std::string& subject, const Patience& patience) {
  const std::string what = session.what("look for a producer's last batch");
  Patience left = patience;
  const auto answer = left.insist(
      what, [&](Duration wait) { return session.js().last_on(session.names().data_stream(), subject, wait); });
  if (const auto* const message = std::get_if<KeptMessage>(&answer)) return message->sequence;
  const auto& refusal = std::get<Refusal>(answer);
  if (refusal.code == refusal::no_message) return 0;
  throw error_of(what, refusal);
}

}  // namespace shardlog::nats
