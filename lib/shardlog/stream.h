#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/compression.h"
#include "shardlog/core/consumer.h"
#include "shardlog/core/error.h"
#include "shardlog/core/position.h"
#include "shardlog/core/producer.h"
#include "shardlog/core/record.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/core/reshard_step.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"
#include "shardlog/core/shard_map.h"

/// The seam between programs and engines. Everything above it knows streams, shards, batches and positions, and nothing
/// of how an engine keeps them; an engine implements Stream and Reader.
namespace shardlog {

using Tags = std::map<std::string, std::string>;

/// As a retention: records stay for ever.
constexpr Duration forever = Duration::max();

/// What a person chose for a stream.
struct StreamSettings {
  std::uint64_t max_record_size = default_max_record_size;  ///< bytes of data and key
  Duration retention = forever;                             ///< how long after its arrival a record can be read
  Compression compression = Compression::zstd;              ///< of what is put; what is there can be read all the same
  Tags tags{};
};

struct CreateOptions {
  std::uint32_t shards = 1;
  StreamSettings settings;
  std::optional<std::string> group;  ///< the user group that may use the stream too
  bool unsafe_file_system = false;   ///< accept a file system on which the engine cannot promise anything
};

/// Settings to change; what is absent stays.
struct SettingsChange {
  std::optional<std::uint64_t> max_record_size{};
  std::optional<Duration> retention{};  ///< a shorter one hides at once, a longer one brings nothing back
  std::optional<Compression> compression{};
  bool repair_clock = false;  ///< bring arrivals of the future back to now
  bool accept_loss = false;   ///< go on without what is missing at the end
  Tags tags{};                ///< added to those that are there; an empty value removes the tag
};

enum class Access { read, write };

struct OpenOptions {
  Access access = Access::read;
  Duration timeout = std::chrono::seconds(30);  ///< the longest wait for another process
  /// Held by the engine while a commit or the opening is under way, but not while that waits for another process. Hold
  /// it to stop the process without stopping everyone who waits for that commit. Must outlive the stream.
  std::mutex* commit_mutex = nullptr;
};

/// Records that were durable, are missing, and were given up for it.
struct Loss {
  std::int64_t after = 0;  ///< the batch before them
  std::int64_t last = 0;   ///< the last batch that is missing
  std::int64_t records = 0;
  Timestamp accepted_at{};

  friend bool operator==(const Loss&, const Loss&) = default;
};

struct StreamDescription {
  std::string uuid;
  int format_version = 0;
  Timestamp created_at;
  StreamSettings settings;
  ShardMap map;
  std::uint64_t last_batch = 0;             ///< how many batches there have ever been
  std::optional<Timestamp> last_arrival{};  ///< of the newest batch
  std::vector<Loss> losses{};
};

/// What a successful append is safe from.
enum class Sync {
  full,    ///< a power cut
  normal,  ///< the end of any process; a power cut may take the newest commits
};

/// A batch and the shard that it was routed to.
struct RoutedBatch {
  ShardId shard;
  EncodedBatch batch;
  /// When its records arrived in the stream that they are copied from. Nothing: they arrive now. The copy keeps it if
  /// it can: see Stream::append().
  std::optional<Timestamp> arrived_at{};
};

/// Where and when a batch was stored.
struct Appended {
  SequenceRun sequences;  ///< one for each record
  Timestamp arrived_at;   ///< not always the one that was asked for
};

/// A batch as it was stored, and which of its records were asked for: all but where a read starts or ends within it.
struct StoredBatch {
  ShardId shard;
  Timestamp arrived_at;
  SequenceRun sequences;  ///< one for each record
  RecordBatch records;
  std::size_t first = 0;  ///< the place of the first record that was asked for
  std::size_t count = 0;  ///< how many were, from there on
};

/// Sequence numbers whose records cannot be read any more.
struct Gap {
  enum class Reason {
    trimmed,  ///< retention took them before they were read
    lost,     ///< see Loss; not every number need have had a record
  };

  ShardId shard;
  SequenceNumber first;
  SequenceNumber last;
  Reason reason = Reason::trimmed;

  friend bool operator==(const Gap&, const Gap&) = default;
};

/// Where one shard is read from.
struct ShardStart {
  ShardId shard;
  std::variant<TrimHorizon, AtSequence, AfterSequence> from;
};

struct ReadRequest {
  std::vector<ShardStart>
      starts{};                   ///< these shards, each from a place of its own; then `shards` and `from` say nothing
  std::vector<ShardId> shards;    ///< none means all
  Position from = TrimHorizon{};  ///< before the trim horizon, a sequence number is a gap; other positions begin there
  std::optional<Position> until;  ///< nothing means the tail at the start, or no end when following
  bool follow = false;
  bool notice = true;        ///< when following: be woken by commits; otherwise wait() lasts as long as it is told to
  bool descendants = false;  ///< those that take over from the chosen shards too
  bool strict = false;       ///< a position before the trim horizon is an error, not a gap
};

struct ReadResult {
  std::vector<Gap> gaps;             ///< before the batches; they and all batches tile each shard's sequence numbers
  std::vector<StoredBatch> batches;  ///< in commit order
  std::vector<ShardId> ended;        ///< closed shards of which, after the batches, nothing more will come; each once
  bool at_end = false;               ///< nothing more will ever come
};

/// Reads forward in commit order. Holds nothing open between calls, so a slow caller holds up nobody.
/// For one thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;

  /// The next batches, in all about `budget` bytes, at least one where there is one. An empty result that is not at_end
  /// and without gaps means that the tail is reached (only when following): wait(). Following chosen shards ends when
  /// all of them are closed and read. Throws corrupt (what was read before is right, nothing after it is delivered),
  /// not_found (removed), busy (another process is recovering the stream, or was stopped within that), io.
  virtual ReadResult next(std::size_t budget) = 0;

  /// Waits until something was committed since the last next(), or `timeout` is over, or `stop` was requested. Returns
  /// true where a commit was noticed. Only a hint: always ask next() again.
  virtual bool wait(Duration timeout, std::stop_token stop) = 0;
};

/// Where a position is in one shard.
struct ShardPlace {
  ShardId shard;
  SequenceNumber next;  ///< of the first record behind it, or what that will at least have
  bool at_end = false;  ///< the shard is closed, and nothing is behind it
  /// The position is this time, and no record there has arrived at it or later: those that come before it do not count.
  std::optional<Timestamp> not_before{};

  friend bool operator==(const ShardPlace&, const ShardPlace&) = default;
};

/// What can be read of a shard.
struct ShardStatistics {
  Shard shard;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;            ///< data and keys
  std::uint64_t trimmed_records = 0;  ///< that retention took
  std::uint64_t trimmed_bytes = 0;
  struct End {
    SequenceNumber sequence;
    Timestamp arrived_at;
  };
  std::optional<End> first{};
  std::optional<End> last{};
};

/// What is still to be read.
struct Backlog {
  std::vector<std::uint64_t> records;  ///< behind each start, in their order; what retention took does not count
  std::optional<Timestamp> oldest{};   ///< when the first of all of them arrived; nothing where there is none
};

/// How much of a stream's statistics is wanted.
enum class Detail {
  load,  ///< all but the ends of the shards: takes the same time however many records there are
  all,   ///< where shards are many, as long as reading the headers of all batches
};

struct StreamStatistics {
  StreamDescription description;
  std::vector<ShardStatistics> shards;  ///< in the order of their ids
  std::uint64_t stored_bytes = 0;       ///< what the stream takes on disk
};

struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::vector<std::string> findings;  ///< empty where everything is as it was written
  std::vector<Loss> losses;           ///< that were accepted before
};

/// A stream that is open. For one thread at a time. Whatever reads throws busy as Reader::next() does.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual StreamDescription describe() = 0;

  /// Appends all batches in one commit, in their order.
  /// On return they are stored as safely as `sync` says, and what became of each batch is given in the same order.
  /// Nothing is returned where a shard was closed since a batch was routed to it: nothing is stored then; describe()
  /// the stream and route again. Throws busy and full (nothing was stored; try again), not_found (the stream was
  /// removed; nothing is to be acknowledged), io (the outcome is unknown; this object stores nothing more).
  ///
  /// Arrivals never decrease, so one that is asked for is raised to the newest of the stream, and to the opening of the
  /// shard if that has parents. One that is later than now becomes now: a wrong clock elsewhere must not set that of
  /// this stream. One that is past retention is stored all the same, and nobody can read it: refuse it before.
  std::optional<std::vector<Appended>> append(std::span<const RoutedBatch> batches, Sync sync) {
    return append(batches, sync, {});
  }

  /// The same, and the producers move on in the same commit; there may be no batches then. Throws fenced, and stores
  /// nothing, where one of them is not where it is expected.
  virtual std::optional<std::vector<Appended>> append(std::span<const RoutedBatch> batches, Sync sync,
                                                      std::span<const ProducerMove> moves) = 0;

  /// Makes all that was committed before as safe as Sync::full, whoever committed it: a process that was killed inside
  /// its commit may have left records that can be read and are not on disk yet. To be called before anything is
  /// reported as stored that the caller did not commit itself. Throws as append().
  virtual void make_durable() = 0;

  /// All places of a producer, in the order of their sources; and of all producers, in the order of their ids.
  virtual std::vector<Producer> producer(const std::string& name) = 0;
  virtual std::vector<Producer> producers() = 0;

  /// Removes all places of a producer; false where it has none. Throws as append().
  virtual bool forget_producer(const std::string& name) = 0;

  /// The request's positions are resolved now, not at the first read; only the trim horizon is where it is then. Throws
  /// usage (a sequence number without one shard), not_found (no such shard), trimmed (only when strict).
  virtual std::unique_ptr<Reader> read(const ReadRequest& request) = 0;

  /// Where `position` is now in each of the shards, in the order of their ids; no shards means all. Throws as read(),
  /// and trimmed where a sequence number is before the trim horizon.
  virtual std::vector<ShardPlace> locate(const Position& position, const std::vector<ShardId>& shards) = 0;

  virtual std::optional<Consumer> consumer(const std::string& name) = 0;
  /// In the order of their names.
  virtual std::vector<Consumer> consumers() = 0;

  /// Makes a consumer (nothing expected), changes it whole, or removes it (nothing desired), in one commit. False, and
  /// nothing is changed, where it is not as expected: look again. Throws as append().
  virtual bool replace_consumer(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) = 0;

  /// Changes leases of the consumer with this UUID in one commit. False, and nothing is changed, where one of them is
  /// not as expected or there is no such consumer: look again. Where owners, claimants and shards stay, it is as cheap
  /// as it can be: a power cut may undo it, and nobody is woken. Throws as append().
  virtual bool change_leases(const std::string& consumer_uuid, std::span<const LeaseChange> changes) = 0;

  /// Changes the settings, then removes what is past retention and gives back the space that is free. Throws as
  /// append(), and usage.
  virtual void update(const SettingsChange& change) = 0;

  /// Applies `step` in one commit, if the stream is still of `version`. Returns the version it has then; nothing where
  /// it has changed meanwhile: describe() it and plan again. Throws usage and not_found where the step does not fit the
  /// shard map, and as append().
  virtual std::optional<ShardMap::Version> reshard(const ReshardStep& step, ShardMap::Version version) = 0;

  virtual StreamStatistics statistics(Detail detail) = 0;

  /// What a read from these starts, a shard at most once, would find now. Throws not_found (no such shard).
  virtual Backlog backlog(std::span<const ShardStart> starts) = 0;

  /// Reads everything. `progress` is called now and then with the part done, 0 to 1; where it returns false that is the
  /// end.
  virtual VerifyReport verify(const std::function<bool(double)>& progress) = 0;
};

/// Creates the stream at an address: a path, or "scheme:..." for another engine. It appears complete or not at all.
/// Throws exists, cannot_create, permission, usage (unknown scheme, bad name or settings), io.
void create(const std::string& address, const CreateOptions& options, const Clock& clock);

/// Opens the stream at an address. `clock` must outlive it.
/// Throws not_found, unsupported (newer), corrupt, permission, busy, usage, io.
std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock);

/// The addresses of the streams in a directory, in the order of their names. Throws not_found, permission, io.
std::vector<std::string> list_streams(const std::string& directory);

/// Throws usage where it is no name of a consumer: 1 to 128 of a-z A-Z 0-9 _ . - (Kinesis API, "ConsumerName").
void check_consumer_name(const std::string& name);

/// What arrived before this is past retention at `now`; nothing if records stay for ever.
std::optional<Timestamp> expiry(Duration retention, Timestamp now);

/// Throws usage where settings are outside their bounds (Kinesis API, "CreateStream", "Tag").
void check(const StreamSettings& settings);

/// What keeps a text from being a partition key, "is empty" for instance; nothing where it can be one.
std::optional<std::string> fault_of_key(std::string_view key);

/// Throws malformed where a record is larger than the stream takes or its key is not 1 to 256 Unicode characters.
/// The message says what is wrong with it, and leaves it to the caller to say which record it was.
void check(const Record& record, std::uint64_t max_record_size);

}  // namespace shardlog
