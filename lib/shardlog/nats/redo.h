#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/records.h"
#include "shardlog/nats/slot_store.h"

namespace shardlog::nats {

/// Where the records of a part are.
struct Placed {
  SequenceRun sequences;
  std::vector<ShardId> shards{};  ///< of each record, if it was split; else empty
};

/// Stores what is missing of the parts of a slot, and returns the sequence numbers of the records of each part. Nullopt
/// for a part that may have been stored, and removed since.
///
/// It can be killed at any point, and several processes can do this at once, also one that was suspended for long:
///
/// - A part that is in the data stream before the end of its shard is found, and stays.
/// - One that is missing is published with an id that all of them make alike, so it is stored once while servers know
///   that id; and only if nothing came to its subject since before it was looked for, so it is stored once also after
///   that.
/// - What was stored can be trimmed, and then it would be missing again. So a part is not published if anything of its
///   shard was trimmed that came after the slot was made; and only while the body of the slot is still there: whoever
///   completed the slot has removed it. (That leaves a process that is suspended between this look and the message, for
///   so long that others complete the slot, servers forget the id, and retention removes all that the producer had in
///   that shard.)
/// - A part whose shard was closed before it came is split over the children, in their order, and each piece is treated
///   in the same way. A shard that closes meanwhile makes it begin again.
///
/// `parts` are those of the body. Throws as Patience::insist(), not_found, and full.
std::vector<std::optional<Placed>> complete(Session& session, SlotStore& slots, const KeptSlot& kept,
                                            std::span<const RoutedBatch> parts, const Patience& patience);

/// The newest slot of a producer, after it was completed. To be called before a process writes for that producer.
/// Throws as complete().
std::optional<KeptSlot> recover(Session& session, SlotStore& slots, const ProducerId& id, const Patience& patience);

/// Completes a slot, if it is not complete, and removes its body. Throws as complete().
void recover(Session& session, SlotStore& slots, const KeptSlot& kept, const Patience& patience);

/// The headers of a part, or of a piece that was split off one, but for Nats-Msg-Id.
Headers part_headers(const Session& session, const Slot& slot, std::string_view path, ShardId shard,
                     const EncodedBatch& batch);

/// The last sequence of a subject of the data stream; 0 if it has no message.
std::uint64_t last_sequence_on(Session& session, const std::string& subject, const Patience& patience);

}  // namespace shardlog::nats
