#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"

namespace shardlog {

/// What an engine can do. Whoever needs what it cannot asks here first, and refuses before anything is done.
struct Capabilities {
  std::string_view engine;  ///< its name, for messages

  /// What an append with Sync::full survives, each with all before it.
  enum class Survives { process_end, power_cut, machine_loss };
  Survives survives = Survives::power_cut;

  /// All batches of one append are stored, or none. Otherwise each has an outcome of its own.
  bool atomic_append = true;
  /// A read of several shards yields their batches in the order in which they were appended.
  bool ordered_over_shards = true;
  /// The sequence numbers of a shard count up by 1.
  bool dense_numbers = true;
  /// Arrivals never decrease in a shard. Otherwise they can step back, and differ from record to record of a batch.
  bool ordered_arrivals = true;
  /// Latest can be pinned as a sequence number: Stream::locate() always names one.
  bool latest_has_number = true;

  bool producers = true;                      ///< moves can be made with an append
  std::size_t sources_per_append = SIZE_MAX;  ///< how many sources of a producer one append may move
  std::size_t largest_append = SIZE_MAX;      ///< bytes of payloads
  Duration shortest_progress{0};              ///< leases are not to be changed more often, only to move on
  bool exact_counts = true;                   ///< statistics, intakes and backlogs count records and bytes
  bool keeps_arrivals = true;                 ///< RoutedBatch::arrived_at is heeded
  bool groups = true;                         ///< CreateOptions::group
  bool repairs = true;                        ///< SettingsChange::repair_clock and accept_loss
};

/// Throws usage unless it `can`: "--group: the engine 'nats' cannot do that". `what` is the option, or the member.
SHARDLOG_API void require(bool can, std::string_view what, const Capabilities& capabilities);

}  // namespace shardlog
