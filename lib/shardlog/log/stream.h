#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/capabilities.h"
#include "shardlog/log/description.h"
#include "shardlog/log/lease_store.h"
#include "shardlog/log/liveness.h"
#include "shardlog/log/maintenance.h"
#include "shardlog/log/notice.h"
#include "shardlog/log/producer_store.h"
#include "shardlog/log/reader.h"
#include "shardlog/log/resharding.h"

/// The seam between programs and engines. Everything above it knows streams, shards, batches and positions, and nothing
/// of how an engine keeps them. An engine implements Engine, Stream and its parts, and Reader.
namespace shardlog {

/// What a successful append is safe from.
enum class Sync {
  full,    ///< as much as the engine has: Capabilities::survives
  normal,  ///< the end of any process; a power cut may take the newest commits
};

struct AppendRequest {
  std::span<const RoutedBatch> batches;  ///< may be none where there are moves
  Sync sync = Sync::full;
  std::span<const ProducerMove> moves{};  ///< made in one with the batches
  ShardMap::Version version = 0;          ///< of the shard map that the batches were routed by
};

/// Where a position is in one shard.
struct ShardPlace {
  ShardId shard;
  /// The number of the first record after the place; if that has not come yet, the least number that it can have. Some
  /// engines cannot tell that (Capabilities::latest_has_number): then it is empty, and the place is a time, or Latest.
  std::optional<SequenceNumber> next;
  bool at_end = false;  ///< the shard is closed, and nothing comes after it
  /// The position is this time, and no record there has arrived at it or later: those that come before it do not count.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const ShardPlace&, const ShardPlace&) = default;
};

/// A stream that is open: its log, and its other parts. For one thread at a time. Whatever reads throws busy as
/// Reader::next() does.
class SHARDLOG_API Stream {
 public:
  virtual ~Stream() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  virtual StreamDescription describe() = 0;

  /// Appends the batches, those of a shard in their order, and moves the producers. Returns what became of each batch,
  /// in their order; where Capabilities::atomic_append, either all are Stored or none is, and in one commit.
  ///
  /// Throws if one thing is true of all batches:
  /// - busy, full: nothing was stored; try again
  /// - not_found: the stream was removed; acknowledge nothing
  /// - fenced: a producer is not where it was expected; nothing was stored
  /// - io: the outcome is unknown; this object stores nothing more
  ///
  /// Where Capabilities::ordered_arrivals, one that is asked for is raised to the newest of the stream, and to the
  /// opening of the shard if that has parents. One that is later than now becomes now: a wrong clock elsewhere must not
  /// set that of this stream. One that is past retention is stored all the same, and nobody can read it: refuse it
  /// before.
  virtual std::vector<Outcome> append(const AppendRequest& request) = 0;

  /// Makes all that was committed before as safe as Sync::full, whoever committed it: a process that was killed inside
  /// its commit may have left records that can be read and are not on disk yet. To be called before anything is
  /// reported as stored that the caller did not commit itself. Throws as append().
  virtual void make_durable() = 0;

  /// The request's positions are resolved now, not at the first read; only the trim horizon is where it is then. Throws
  /// usage (a sequence number without one shard), not_found (no such shard), trimmed (only when strict). For the thread
  /// of the stream, which must outlive it.
  virtual std::unique_ptr<Reader> read(const ReadRequest& request) = 0;

  /// Where `position` is now in each of the shards, in the order of their ids; no shards means all. Throws as read(),
  /// and trimmed where a sequence number is before the trim horizon.
  virtual std::vector<ShardPlace> locate(const Position& position, const std::vector<ShardId>& shards) = 0;

  /// Commits from now on. For as long as the stream is open, and for its thread.
  virtual std::unique_ptr<Notice> notice() = 0;

  virtual Resharding& resharding() = 0;
  virtual LeaseStore& leases() = 0;
  virtual Liveness& liveness() = 0;
  virtual ProducerStore& producers() = 0;
  virtual Maintenance& maintenance() = 0;
};

}  // namespace shardlog
