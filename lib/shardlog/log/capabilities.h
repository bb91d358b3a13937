#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

namespace shardlog {

/// What an engine can do. A caller that needs something optional asks here first, and refuses before it does anything.
struct Capabilities {
  std::string_view engine;  ///< its name, for messages

  /// What an append with Sync::full survives. Each value includes those before it.
  enum class Survives { process_end, power_cut, machine_loss };
  Survives survives = Survives::power_cut;

  /// An append stores all of its batches or none. Otherwise each batch has an outcome of its own.
  bool atomic_append = true;
  /// A read of several shards yields their batches in the order of the appends.
  bool ordered_over_shards = true;
  /// The sequence numbers of a shard count up by 1.
  bool dense_numbers = true;
  /// Arrivals never decrease in a shard. Otherwise they may step back, and differ between the records of a batch.
  bool ordered_arrivals = true;
  /// The Clock that a stream is opened with says when records arrive and what is past retention. Otherwise the servers'
  /// clocks do.
  bool clock_of_caller = true;
  /// Stream::locate() can always pin Latest as a sequence number.
  bool latest_has_number = true;

  bool producers = true;                      ///< an append can move producers
  std::size_t sources_per_append = SIZE_MAX;  ///< how many sources of a producer one append may move
  std::size_t largest_append = SIZE_MAX;      ///< bytes of payloads
  Duration shortest_progress{0};  ///< the least time between two changes of a lease, if they only move its checkpoint
  bool exact_counts = true;       ///< statistics, intakes and backlogs count records and bytes
  bool keeps_arrivals = true;     ///< RoutedBatch::arrived_at is respected
  bool limits = true;             ///< StreamSettings::limits, WriteCapacity and ReadCapacity
  bool groups = true;             ///< CreateOptions::group
  bool bounds = true;             ///< StreamSettings::max_bytes and until_consumed
  bool metrics = true;            ///< Metrics keeps what it is given
  bool repairs = true;            ///< SettingsChange::repair_clock and accept_loss
};

/// Throws usage unless `can`: "--group: the engine 'nats' cannot do that". `what` is the option, or the member.
inline void require(bool can, std::string_view what, const Capabilities& capabilities) {
  if (can) return;
  throw Error(ErrorCode::usage, std::string(what) + ": the engine " + quote(capabilities.engine) + " cannot do that");
}

}  // namespace shardlog
