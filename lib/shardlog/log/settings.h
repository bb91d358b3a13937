#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/capacity/limits.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/compression.h"
#include "shardlog/core/export.h"
#include "shardlog/core/record.h"
#include "shardlog/core/shard_map.h"

namespace shardlog {

using Tags = std::map<std::string, std::string>;

/// For programs to use: the library neither reads nor shows them. A key is 1 to 128 characters, a value at most 4096
/// bytes.
using Attributes = std::map<std::string, std::string>;

/// What is named with a value, even an empty one, is set; what is named without a value is removed.
using ValueChanges = std::map<std::string, std::optional<std::string>>;

/// A retention: records stay for ever.
constexpr Duration forever = Duration::max();

/// Who changes the shards of a stream (Kinesis API, "StreamMode").
enum class Mode {
  provisioned,  ///< a person or a program that is run for it
  on_demand,    ///< the programs that write, by the load
};

/// provisioned or on-demand; and back, nullopt for any other name.
SHARDLOG_API std::string_view to_string(Mode mode);
SHARDLOG_API std::optional<Mode> parse_mode(std::string_view name);

/// A bound: the stream may hold any amount of data.
constexpr std::uint64_t unbounded = UINT64_MAX;

/// What becomes of an append to a stream that has no room for it.
enum class WhenFull {
  block,   ///< it waits until every consumer has passed enough of the oldest records, or retention takes them
  trim,    ///< the oldest records go, whoever has not read them yet
  reject,  ///< it fails; room is made as with block
};

/// What a person chose for a stream.
struct StreamSettings {
  std::uint64_t max_record_size = default_max_record_size;  ///< bytes of data and key
  Duration retention = forever;                             ///< how long after its arrival a record can be read
  bool until_consumed = false;  ///< a record that every consumer has passed may go before that; without any, none does
  std::uint64_t max_bytes = unbounded;  ///< the most that the stream holds, data and keys
  WhenFull when_full = WhenFull::block;
  Compression compression = Compression::zstd;  ///< of new records; older records stay readable
  capacity::Limits limits{};                    ///< of each shard
  Tags tags{};
  Mode mode = Mode::provisioned;

  friend bool operator==(const StreamSettings&, const StreamSettings&) = default;
};

struct CreateOptions {
  std::uint32_t shards = 1;
  StreamSettings settings{};
  Attributes attributes{};
  std::optional<std::string> group{};  ///< the user group that may use the stream too
  bool unsafe_file_system = false;     ///< accept a file system on which the engine cannot promise anything
};

/// Settings to change; absent ones stay.
struct SettingsChange {
  std::optional<std::uint64_t> max_record_size{};
  /// A shorter one hides records at once; a longer one brings back only those that are not removed yet.
  std::optional<Duration> retention{};
  std::optional<bool> until_consumed{};
  /// A smaller one removes at once what may go; what may not can still be read.
  std::optional<std::uint64_t> max_bytes{};
  std::optional<WhenFull> when_full{};
  std::optional<Compression> compression{};
  /// Each of the limits is set to its value, or taken away by an empty one.
  struct LimitsChange {
    std::optional<std::optional<std::uint64_t>> write_records{};
    std::optional<std::optional<std::uint64_t>> write_bytes{};
    std::optional<std::optional<std::uint64_t>> read_bytes{};
    std::optional<std::optional<std::uint64_t>> read_calls{};
  };
  LimitsChange limits{};
  std::optional<Mode> mode{};
  bool repair_clock = false;  ///< bring arrivals in the future back to now
  bool accept_loss = false;   ///< go on without records that are missing at the end
  ValueChanges tags{};
  ValueChanges attributes{};
};

enum class Access { read, write };

struct OpenOptions {
  Access access = Access::read;
  Duration timeout = std::chrono::seconds(30);  ///< the longest wait for another process
  /// The engine holds it during a commit and during the opening, except while it waits for another process. A process
  /// that is stopped inside a commit holds up all other writers: lock this mutex before you stop the process. Must
  /// outlive the stream.
  std::mutex* commit_mutex = nullptr;
  /// Gets a line, for a person, on what the stream waits for and would otherwise say only when its patience has ended.
  /// Called by whatever thread uses the stream, in the middle of its call; must not use the stream, nor throw.
  std::function<void(const std::string& line)> tell{};
};

/// Records that were durable and went missing, and that a person has given up.
struct Loss {
  std::uint64_t records = 0;
  Timestamp accepted_at{};

  friend bool operator==(const Loss&, const Loss&) = default;
};

struct StreamDescription {
  std::string uuid;
  int format_version = 0;
  Timestamp created_at;
  StreamSettings settings;
  ShardMap map;
  /// Changes with every append. Decides which shard is the first to get records without a key (Router).
  std::uint64_t turn = 0;
  std::optional<Timestamp> last_arrival{};  ///< of the newest record
  std::vector<Loss> losses{};
  Attributes attributes{};
};

/// Records that arrived before this time are past retention at `now`; nullopt if records stay for ever.
SHARDLOG_API std::optional<Timestamp> expiry(Duration retention, Timestamp now);

/// Changes those of the limits that the change names.
SHARDLOG_API void apply(capacity::Limits& limits, const SettingsChange::LimitsChange& change);

/// "block", "trim" or "reject".
SHARDLOG_API std::string_view to_string(WhenFull when_full);
/// Nullopt for any other text.
SHARDLOG_API std::optional<WhenFull> parse_when_full(std::string_view text);

/// Makes the change of everything but the attributes. Throws usage if the result is outside its bounds.
SHARDLOG_API void apply(StreamSettings& to, const SettingsChange& change);

/// The most data and keys that a writer should append at once, in bytes: a small part of the bound, so that it does not
/// wait for much room, but at least the largest record.
SHARDLOG_API std::uint64_t most_at_once(const StreamSettings& settings);

/// Throws usage if settings or attributes are outside their bounds (Kinesis API, "CreateStream", "Tag").
SHARDLOG_API void check(const StreamSettings& settings);
SHARDLOG_API void check(const Attributes& attributes);

/// Sets or removes what the changes name.
SHARDLOG_API void change_values(std::map<std::string, std::string>& values, const ValueChanges& changes);

/// Throws usage unless `name` has 1 to 128 characters of a-z A-Z 0-9 _ . - (Kinesis API, "ConsumerName").
SHARDLOG_API void check_consumer_name(const std::string& name);

/// Why a text cannot be a partition key, "is empty" for instance; nullopt if it can.
SHARDLOG_API std::optional<std::string> fault_of_key(std::string_view key);

/// Throws malformed if a stream with this maximum record size refuses the record.
SHARDLOG_API void check(const Record& record, std::uint64_t max_record_size);

}  // namespace shardlog
