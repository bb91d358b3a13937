#pragma once

#include <string>

#include "shardlog/nats/control.h"
#include "shardlog/nats/jetstream.h"

/// How a stream goes away, and what creations and removals leave that were cut off.
///
/// A stream is there while its control message is, and that is no tombstone. Removing it begins with a tombstone, and
/// ends with the control stream. JetStream cannot remove a stream on a condition. So whoever wrote the newest tombstone
/// may remove the control stream, for a while only; and whoever creates a stream of that name waits until the control
/// stream is gone, or until the tombstone is so old that nobody will remove it any more.
namespace shardlog::nats {

/// From then on nobody removes the control stream because of a tombstone.
constexpr Duration old_tombstone = std::chrono::minutes(1);

/// Whether the message says that the stream was removed. One that cannot be read does not.
bool is_tombstone(const KeptMessage& message);

/// Removes the JetStream streams of `name` that belong to another UUID than `uuid`, and were made more than ten minutes
/// before `now`, by the servers' clocks: creations that were cut off. Those that are under way are younger.
void sweep(JetStream& js, const std::string& name, const std::string& uuid, Timestamp now, Patience patience);

/// Removes one JetStream stream, if it is there.
void remove_one(JetStream& js, const std::string& stream, const std::string& what, Patience& patience);

/// As Engine::remove().
void remove_all(JetStream& js, const std::string& name, const Clock& clock, const Patience& patience);

}  // namespace shardlog::nats
