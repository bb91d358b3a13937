#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/record.h"
#include "shardlog/core/sequence_number.h"

namespace shardlog::cli {

/// The stream and shard that a record was copied from.
struct RecordOrigin {
  std::string source;  ///< "shardId-000000000003"; for frames, the stream's UUID and a slash come before that
  SequenceNumber sequence;
};

/// Makes records of the pieces that a Framer cuts. For one thread at a time.
class RecordSource {
 public:
  virtual ~RecordSource() = default;

  /// The origin is nullptr unless it was asked for and the record has one. Returns false to end the reading.
  using Take = std::function<bool(const Record&, const RecordOrigin*)>;

  /// The pieces that read() gets from now on stand in `pieces`, in this order, with a delimiter after each. Some may be
  /// left out. REQUIRES: they stay readable until the next call, with json_padding readable bytes after them
  virtual void expect(std::string_view /*pieces*/) {}

  /// Calls `take` for each record in the piece, which may be decoded in place. The records borrow from the piece and,
  /// until release(), from this object. Throws malformed, unsupported, and what `take` throws.
  /// REQUIRES: json_padding readable bytes after `piece`
  virtual void read(std::span<char> piece, const Take& take) = 0;

  /// The numbers, counted from 1, that the fields in Framing::names have from now on.
  virtual void use_fields(std::span<const std::uint32_t> /*numbers*/) {}

  /// A hint for a person who may have meant another option, from what was read so far; empty if there is none.
  [[nodiscard]] virtual std::string notice() const { return {}; }

  /// When the records of the current piece arrived in the stream that they come from, if the piece says so.
  [[nodiscard]] virtual std::optional<Timestamp> arrived_at() const { return std::nullopt; }

  /// Earlier records are no longer needed.
  virtual void release() {}
};

/// For Framing::Kind::json.
std::unique_ptr<RecordSource> make_json_source(bool with_origin);

/// For Framing::Kind::frames.
std::unique_ptr<RecordSource> make_frame_source(bool with_origin);

}  // namespace shardlog::cli
