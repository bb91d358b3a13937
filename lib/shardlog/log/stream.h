#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/core/export.h"
#include "shardlog/log/capabilities.h"
#include "shardlog/log/maintenance.h"
#include "shardlog/log/metrics.h"
#include "shardlog/log/parts.h"
#include "shardlog/log/reader.h"

/// The seam between programs and engines. The code above it knows streams, shards, batches and positions, but not how
/// an engine keeps them. An engine implements Engine, Stream and its parts, and Reader.
namespace shardlog {

/// What a successful append is safe from.
enum class Sync {
  full,    ///< all that the engine can survive: Capabilities::survives
  normal,  ///< the end of any process; a power cut may take the newest commits
};

/// Returns payloads that the next append will begin with, so that an engine can write them while it waits for the disk.
/// A thread of the engine calls it again and again until the append returns, or until it returns nothing. The payloads
/// must stay where they are until the end of that next append.
using Ahead = std::function<std::vector<std::string_view>()>;

struct AppendRequest {
  std::span<const RoutedBatch> batches;  ///< may be empty if there are moves
  Sync sync = Sync::full;
  std::span<const ProducerMove> moves{};  ///< made in one commit with the batches
  ShardMap::Version version = 0;          ///< of the shard map that the batches were routed by
  Ahead ahead{};                          ///< nothing: not known yet
};

/// What batches need that are stored together.
SHARDLOG_API capacity::Step step_of(std::span<const RoutedBatch> batches);

/// The capacity of a stream's shards for writing, of which writers reserve a part before they store: by the rules of
/// capacity/writing.h, for all processes together. Without limits, and on engines that have none
/// (Capabilities::limits), everything is reserved at once and nothing is waited for.
class SHARDLOG_API WriteCapacity {
 public:
  virtual ~WriteCapacity() = default;

  /// Reserves a slice of the input that `steps` are the start of, in a commit of its own that needs no sync. What it
  /// needs of closed shards is charged to those that took over. `paid` is what was paid of the first step: the last
  /// Slice::instalment. Throws as
  /// Stream::append().
  virtual capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) = 0;

  struct Appended {
    std::vector<Outcome> outcomes;
    capacity::Slice next;  ///< nothing if the batches were not stored
  };

  /// Appends batches that were reserved, whatever the capacity is now, and reserves a slice of `next`, of whose first
  /// step `paid` was paid, in the same commit. Throws as Stream::append().
  virtual Appended append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                          const capacity::Seconds& paid) = 0;
};

/// The capacity of a stream's shards for reading, which its consumers share by the rules of capacity/reading.h. Readers
/// without a consumer keep to the limits by themselves.
class SHARDLOG_API ReadCapacity {
 public:
  virtual ~ReadCapacity() = default;

  /// What a consumer holds of the capacity of a shard.
  struct Share {
    ShardId shard;
    capacity::Seconds held{};
    Duration since = std::chrono::seconds(1);  ///< as capacity::Claim has it
  };

  /// Adds to what is held of each share what the consumer may take, in a commit of its own that needs no sync. The
  /// consumers that own leases of a shard share it. Returns the limits of the stream: without limits of reading it
  /// changes nothing. Throws as Stream::append().
  virtual capacity::Limits top_up(std::span<Share> shares) = 0;

  /// Returns to the shards what a consumer holds or owes that ends. Throws as Stream::append().
  virtual void give_back(std::span<const Share> shares) = 0;
};

/// Where a read from a position begins in one shard.
struct LocatedStart {
  ShardId shard;
  /// The number of the first record to read; if that record has not arrived yet, the least number that it can have.
  /// Nullopt on engines that cannot tell it (Capabilities::latest_has_number): then the start is a time, or Latest.
  std::optional<SequenceNumber> next;
  bool at_end = false;  ///< the shard is closed, and has no record to read
  /// The requested time, if the position is a time and no record has arrived at or after it yet. Skip records that
  /// arrive before it.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const LocatedStart&, const LocatedStart&) = default;
};

/// An open stream: its log and its other parts. For one thread at a time. Every function that reads throws busy as
/// Reader::next() does.
class SHARDLOG_API Stream {
 public:
  virtual ~Stream() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  virtual StreamDescription describe() = 0;

  /// Appends the batches, keeping their order in each shard, and moves the producers. Returns the outcome of each
  /// batch, in their order. With Capabilities::atomic_append either all are Stored, in one commit, or none is.
  ///
  /// If the stream has limits, the batches are charged to their shards, and are Throttled while a shard that they need
  /// has no capacity left. A writer that wants its share beside others reserves instead: write_capacity().
  ///
  /// Throws if one outcome applies to all batches:
  /// - busy, full: nothing was stored; try again
  /// - not_found: the stream was removed; report nothing as stored
  /// - fenced: a producer is not where it was expected; nothing was stored
  /// - io: the outcome is unknown; this object stores nothing more
  ///
  /// An append that finds no room in a bounded stream (StreamSettings::max_bytes) is NoRoom. If it alone has more data
  /// and keys than the stream may hold, it is Refused with malformed.
  ///
  /// A requested arrival later than now becomes now, because a wrong clock elsewhere must not set the time of this
  /// stream. With Capabilities::ordered_arrivals it is also raised to the newest arrival of the stream and, if the
  /// shard has parents, to the opening of the shard. A batch whose arrival is past retention is stored, but nobody can
  /// read it: refuse it yourself.
  virtual std::vector<Outcome> append(const AppendRequest& request) = 0;

  /// Makes all earlier commits of all processes as safe as commits with Sync::full. A process that was killed inside
  /// its commit may have left records that can be read but are not on disk yet. If you did not commit records yourself,
  /// call this before you report them as stored. Throws as append().
  virtual void make_durable() = 0;

  /// Resolves the request's positions now, not at the first read; only the trim horizon is resolved at that read.
  /// Throws usage (a sequence number, but not exactly one shard), not_found (no such shard), trimmed (only when
  /// strict). The reader is for the thread of the stream. The stream must outlive it.
  virtual std::unique_ptr<Reader> read(const ReadRequest& request) = 0;

  /// Where a read from `position` would begin now in each of the shards, in the order of their ids; no shards means
  /// all. Throws as read(), and trimmed if a sequence number is before the trim horizon.
  virtual std::vector<LocatedStart> locate(const Position& position, const std::vector<ShardId>& shards) = 0;

  /// The result notices commits from now on. It is for the thread of the stream. The stream must outlive it.
  virtual std::unique_ptr<Notice> notice() = 0;

  virtual WriteCapacity& write_capacity() = 0;
  virtual ReadCapacity& read_capacity() = 0;
  virtual Resharding& resharding() = 0;
  virtual LeaseStore& leases() = 0;
  virtual Liveness& liveness() = 0;
  virtual ProducerStore& producers() = 0;
  virtual Maintenance& maintenance() = 0;
  virtual Metrics& metrics() = 0;
};

/// Creates, opens, lists and removes the streams of one kind of storage.
class SHARDLOG_API Engine {
 public:
  virtual ~Engine() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  /// Creates the stream at an address. It appears complete or not at all.
  /// Throws exists, cannot_create, permission, usage (bad name or settings), io.
  virtual void create(const std::string& address, const CreateOptions& options, const Clock& clock) = 0;

  /// Opens the stream at an address. `clock` must outlive it.
  /// Throws not_found, unsupported (newer), corrupt, permission, busy, usage, io.
  virtual std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) = 0;

  /// The addresses of the streams below `address`, in the order of their names. Throws not_found, permission, io.
  virtual std::vector<std::string> list(const std::string& address) = 0;

  /// Deletes the stream: from then on every process that has it open gets not_found. Also deletes streams that open()
  /// refuses. Throws not_found, busy, permission, io, and cannot_create if other things are kept in the same place.
  virtual void remove(const std::string& address, const OpenOptions& options, const Clock& clock) = 0;
};

}  // namespace shardlog
