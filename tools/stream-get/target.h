#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"
#include "shardlog/producing/writer.h"
#include "shardlog/scaling/on_demand.h"
#include "tools/common/tool.h"
#include "tools/input/framing.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// The most that a command may print for one batch, in bytes.
constexpr std::size_t most_output = 64UL * 1024 * 1024;

/// Another stream, into which a consumer puts records exactly once: the commit that stores the records also stores how
/// far the source shard was processed. For one thread.
class Target {
 public:
  enum class Kind { output, dead_letters };

  /// The consumer, and the stream that it reads.
  struct Source {
    std::string stream_uuid;
    std::string consumer_uuid;
  };

  /// What to do while the stream has no room for what is stored.
  struct Patience {
    std::stop_token stop;        ///< ends the waiting: store() throws full
    std::function<void()> tend;  ///< called again and again
  };

  /// Opens the stream at `address` for writing. `form` says how to cut output into records: those of JSON and frames
  /// bring their keys, the others have none. Throws usage if it is the stream that is read or if the delimiter is
  /// empty, and as open().
  Target(Kind kind, const std::string& address, const OutputForm& form, Source source, const Context& context);

  /// How far the lease's shard was processed into this stream. Unset if nothing was processed in the lease's
  /// generation. To be called whenever a lease is taken: store() then expects that nobody else has come further.
  std::optional<SequenceNumber> position(const Lease& lease);

  /// Stores what a command wrote for the batch, even if that is nothing: the whole file `output`, whatever its offset.
  /// Throws malformed if the output is larger than most_output or not in the right form. Then nothing is stored, and
  /// the command counts as failed. Throws fenced if somebody else has stored more since position(), and as
  /// Stream::append().
  void store(const consuming::Batch& batch, int output, const Patience& patience = {});

  /// Stores a dead letter for the batch, unless the position shows that it is stored already. Throws malformed if the
  /// stream does not accept it, and otherwise as above.
  void store(const consuming::Batch& batch, const Record& letter, const Patience& patience = {});

 private:
  [[nodiscard]] ProducerId id(ShardId shard, std::uint64_t generation) const;
  std::optional<SequenceNumber> stored_position(const ProducerId& id);
  std::optional<SequenceNumber>& position_of(const consuming::Batch& batch);
  void append(const consuming::Batch& batch, producing::Packed packed, const Patience& patience);
  producing::Packed pack_output(int output);

  const Context& context_;
  std::string address_;
  std::string name_;  ///< of the producer
  Framing framing_;
  std::unique_ptr<Stream> stream_;
  std::uint64_t max_record_size_ = 0;
  Compression compression_ = Compression::none;
  bool told_why_full_ = false;
  bool durable_ = false;  ///< everything that others had stored before the opening is on disk
  std::optional<scaling::OnDemand> on_demand_;
  std::optional<producing::Writer> writer_;
  std::map<std::string, std::optional<SequenceNumber>> expected_;  ///< by the producer's source
};

}  // namespace shardlog::cli
