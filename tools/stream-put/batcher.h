#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/log/stream.h"
#include "shardlog/producing/packer.h"
#include "tools/common/sampler.h"
#include "tools/input/record_source.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/exactly_once.h"
#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// Records of the input on their way into the stream, and what must be said about others.
struct Encoded {
  producing::Packed packed;           ///< with places only for acknowledgements
  std::vector<std::string> reasons;   ///< why records are not stored, by Place::index; only for acknowledgements
  std::vector<std::string> skipped;   ///< why records that broke a rule are left out; no message twice in a row
  std::uint64_t skipped_records = 0;  ///< the number of these records
  std::uint64_t dropped = 0;          ///< records left out because the stream was throttled
  std::uint64_t dropped_bytes = 0;    ///< data and keys of these
  std::string notice;                 ///< as in RecordSource
  ProducerPositions moves;            ///< how far the producer has come with these records; only with an id
  std::size_t records = 0;            ///< the number of packed records
  ReadTimes reads;                    ///< when they were read, in their order: counted as records
  std::size_t bytes = 0;              ///< of the payloads
  std::size_t chunks = 0;             ///< the number of chunks that end here
  std::uint64_t input_bytes = 0;      ///< that were read for these records
  std::uint64_t data_bytes = 0;       ///< data and keys of the packed records
  std::optional<Error> error{};       ///< what is wrong with the input after these records

  /// Adds what comes after it. REQUIRES: no error yet
  void append(Encoded next);
};

/// The most that a piece of the input needs of one shard: so little that slices of the stream's capacity can be made of
/// whole pieces.
struct PieceBounds {
  std::size_t records;
  std::size_t bytes;

  /// Whether pieces are so small that each alone would be a poor row, and compress poorly. They are packed without
  /// compression then, and joined when they are stored.
  [[nodiscard]] bool small() const { return records < 1024 || bytes < 64UL * 1024; }
};

/// 10 ms' worth of the limits, but at least one record.
PieceBounds piece_bounds(const capacity::Limits& limits);

/// Makes records of what was read, routes and encodes them, a chunk at a time. For one thread.
class Batcher {
 public:
  /// Hands over at most `most_records`, and most_at_once() of the stream, at once. With `once`, for a command with a
  /// producer id, it hands over only what is not stored yet. `throttled` says whether the stream is; nullptr if it does
  /// not matter. All pointers and references must outlive it.
  Batcher(const StreamDescription& stream, const PutCommand& command, std::size_t most_records,
          std::optional<ExactlyOnce> once, const Clock& clock, const std::atomic<bool>* throttled = nullptr);

  /// Routes records by this shard map from the next chunk on.
  void use(const ShardMap& map);

  /// Returns false to end the encoding.
  using HandOver = std::function<bool(Encoded&&)>;

  /// Hands over what is in the chunk, in one or more calls. A record that breaks a rule is left out, or it ends the
  /// encoding: then the records before it are handed over with the error. Returns whether the next chunk may be
  /// encoded.
  bool encode(Chunk chunk, const HandOver& hand_over);

  /// To be called when all of the input is encoded. Throws malformed if the input is shorter than what was stored
  /// before.
  void finish();

 private:
  [[nodiscard]] CountedInput* input_count() { return once_ ? once_->counted() : nullptr; }
  [[nodiscard]] std::uint64_t known() { return input_count() == nullptr ? 0 : input_count()->known(); }
  void encode_as_they_stand();
  void pass_known_pieces();
  void encode_records(std::span<char> pieces);
  bool encode_piece(std::span<char> piece);
  void count_pieces();
  void pass_known(std::span<char> piece);
  bool take(const Record& record, const RecordOrigin* origin);
  [[nodiscard]] bool fits_piece(const Record& record) const;
  bool sample_out(const Record& record);
  [[nodiscard]] ReadTimes reads_of(std::size_t records);
  void pass_holes();
  void check_retention() const;
  [[nodiscard]] std::uint64_t number_of(std::size_t piece) const;
  void refuse(const Error& error, bool may_skip, std::uint64_t number);
  void not_stored(std::string why);
  void flush();

  producing::Packer packer_;
  const StreamSettings& settings_;
  const PutCommand& command_;
  const Clock& clock_;
  std::unique_ptr<RecordSource> source_;
  RecordSource::Take take_ = [this](const Record& record, const RecordOrigin* origin) { return take(record, origin); };
  std::optional<ExactlyOnce> once_;
  std::string as_read_;  ///< copies of JSON pieces that are not counted yet, made before decoding changed the pieces
  std::optional<Sampler> sampler_;
  bool as_they_stand_;  ///< the pieces are stored as they are, as records without keys
  std::size_t most_records_;
  PieceBounds piece_bounds_;
  bool paced_;                         ///< by the limits of the stream, so that the bounds matter
  producing::Packer::Held most_held_;  ///< of one shard, since the last flush()
  std::uint64_t most_bytes_;
  const std::atomic<bool>* throttled_;
  bool open_ = true;  ///< more may be handed over
  Encoded encoded_;   ///< not handed over yet

  // The chunk that is being encoded, and how far.
  const Chunk* chunk_ = nullptr;
  const HandOver* hand_over_ = nullptr;
  std::size_t piece_ = 0;          ///< pieces done
  std::size_t at_ = 0;             ///< bytes done
  std::size_t holes_ = 0;          ///< holes passed
  std::size_t read_ = 0;           ///< pieces whose times were handed over
  std::size_t counted_ = 0;        ///< pieces that are added to the count of the input
  std::size_t counted_at_ = 0;     ///< their bytes
  std::uint64_t input_bytes_ = 0;  ///< bytes of the input that were handed over
};

}  // namespace shardlog::cli
