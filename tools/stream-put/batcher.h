#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/producing/packer.h"
#include "tools/common/sampler.h"
#include "tools/input/record_source.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/encoded.h"
#include "tools/stream-put/exactly_once.h"
#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// Makes records of what was read, routes and encodes them, a chunk at a time. For one thread.
class Batcher {
 public:
  /// At most `most_records` are handed over at once.
  /// `once` is there where the command has a producer id; then only what is not stored yet is handed over.
  /// `clock` must outlive it.
  Batcher(const StreamDescription& stream, const PutCommand& command, std::size_t most_records,
          std::optional<ExactlyOnce> once, const Clock& clock);

  /// From the next chunk on. May be called from any thread.
  void use(ShardMap map);

  /// Hands over what is in the chunk, at least once. A record that breaks a rule is left out, or it ends the encoding:
  /// then those before it are handed over with an error that says which it was. False after such an error, and where
  /// `hand_over` has returned false: it wants no more.
  using HandOver = std::function<bool(Encoded, std::size_t records)>;
  bool encode(Chunk chunk, const HandOver& hand_over);

  /// All of the input was encoded. An error is handed over where not all that was stored before was in it.
  void finish(const HandOver& hand_over) const;

 private:
  void take_over_map();
  void encode_as_they_stand();
  void pass_known_pieces();
  void encode_records(std::span<char> pieces);
  bool encode_piece(std::span<char> piece);
  void count_pieces();
  void pass_known(std::span<char> piece);
  bool take(const Record& record, const RecordOrigin* origin);
  void pass_holes();
  void check_retention() const;
  [[nodiscard]] std::uint64_t number_of(std::size_t piece) const;
  void refuse(const Error& error, bool may_skip, std::uint64_t number);
  void not_stored(std::string why);
  void flush();

  std::mutex mutex_;
  std::optional<ShardMap> next_map_;  ///< guarded by the mutex

  producing::Packer packer_;
  std::uint64_t max_record_size_;
  Duration retention_;
  const Clock& clock_;
  Framing framing_;
  std::unique_ptr<RecordSource> source_;
  RecordSource::Take take_ = [this](const Record& record, const RecordOrigin* origin) { return take(record, origin); };
  std::optional<ExactlyOnce> once_;
  std::string as_read_;  ///< pieces that are not counted yet, of JSON, which is decoded in its place
  std::optional<Sampler> sampler_;
  bool as_they_stand_;  ///< the pieces are stored as they stand, as records without keys
  bool skip_errors_;
  bool with_places_;
  bool keep_times_;
  std::size_t most_records_;

  // Of what is not yet handed over.
  Encoded encoded_;
  std::size_t records_ = 0;

  // Of the chunk that is being encoded.
  const Chunk* chunk_ = nullptr;
  const HandOver* hand_over_ = nullptr;
  bool open_ = true;               ///< hand_over_ wants more
  std::size_t piece_ = 0;          ///< how many pieces are done
  std::size_t at_ = 0;             ///< how many bytes are done
  std::size_t holes_ = 0;          ///< how many holes are passed
  std::size_t counted_ = 0;        ///< how many pieces once_ was told of
  std::size_t counted_at_ = 0;     ///< and their bytes
  std::uint64_t input_bytes_ = 0;  ///< how many bytes of input are accounted for
};

}  // namespace shardlog::cli
