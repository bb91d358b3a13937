#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"
#include "shardlog/producing/writer.h"
#include "tools/common/tool.h"
#include "tools/input/framing.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// The most that is taken as a command's output for one batch.
constexpr std::size_t most_output = 64UL * 1024 * 1024;

/// Another stream that a consumer stores in exactly once: how far the source shard's records are dealt with is stored
/// in the same commit. For one thread.
class Target {
 public:
  enum class Kind { output, dead_letters };

  /// Whose records it is about.
  struct Source {
    std::string stream_uuid;
    std::string consumer_uuid;
  };

  /// Opens the stream at `address` for writing. `form` says how output is cut into records: JSON and frames bring their
  /// keys, what a delimiter ends and lines do not. Throws usage where it is the stream that is read or the form has no
  /// delimiter, and as open().
  Target(Kind kind, const std::string& address, const OutputForm& form, Source source, const Context& context);

  /// How far the records of the lease's shard are dealt with in it; nothing where none of this generation are. To be
  /// called whenever a lease is taken: store() then expects that nobody else has come further meanwhile.
  std::optional<SequenceNumber> position(const Lease& lease);

  /// Stores what a command wrote for the batch, also when that is nothing: a file that is read from its start to its
  /// end, wherever it is positioned. Throws malformed where that is more than most_output or not of the form, with
  /// nothing stored: the command has failed then; fenced where somebody else has moved on from position(); and as
  /// Stream::append().
  void store(const consuming::Batch& batch, int output);

  /// Stores these records for the batch, or nothing where they are there already: the position is not before the
  /// batch's last record. Throws malformed where the stream does not take one of them, fenced and as above.
  void store(const consuming::Batch& batch, std::span<const Record> records);

  [[nodiscard]] const std::string& uuid() const { return uuid_; }
  [[nodiscard]] std::uint64_t max_record_size() const { return max_record_size_; }

 private:
  [[nodiscard]] ProducerId id(ShardId shard, std::uint64_t generation) const;
  std::optional<SequenceNumber> stored_position(const ProducerId& id);
  std::optional<SequenceNumber>& place_of(const consuming::Batch& batch);
  void append(const consuming::Batch& batch, producing::Packed packed);
  producing::Packed pack_output(int output);

  std::string name_;  ///< of the producer
  Framing framing_;
  std::unique_ptr<Stream> stream_;
  std::string uuid_;
  std::uint64_t max_record_size_ = 0;
  Compression compression_ = Compression::none;
  bool durable_ = false;  ///< what others had stored when it was opened
  std::optional<producing::Writer> writer_;
  std::map<std::string, std::optional<SequenceNumber>> places_;  ///< by the producer's source, as they are expected
};

}  // namespace shardlog::cli
