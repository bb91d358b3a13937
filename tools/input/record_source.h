#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/core/record.h"
#include "shardlog/core/sequence_number.h"

namespace shardlog::cli {

/// Where a record was before.
struct RecordOrigin {
  std::string source;  ///< "shardId-000000000003", of frames with the stream's UUID and a slash before it
  SequenceNumber sequence;
};

/// Makes records of the pieces that a Framer cuts. For one thread at a time.
class RecordSource {
 public:
  virtual ~RecordSource() = default;

  /// The origin is there only where it was asked for and the record has one. False where no more is wanted.
  using Take = std::function<bool(const Record&, const RecordOrigin*)>;

  /// Calls `take` for each record in the piece. They borrow from it, where what had to be decoded was decoded in place,
  /// and until release() from this object. Throws malformed and unsupported; what `take` throws goes through.
  /// REQUIRES: json_padding readable bytes behind `piece`
  virtual void read(std::span<char> piece, const Take& take) = 0;

  /// From now on the fields that Framing::names asks for have these numbers, counted from 1.
  virtual void use_fields(std::span<const std::uint32_t> /*numbers*/) {}

  /// What there is to say about the pieces up to here, to a person who may have meant something else; empty otherwise.
  [[nodiscard]] virtual std::string notice() const { return {}; }
  /// When the records of the piece that is being read arrived where they were before; nothing if it does not say so.
  [[nodiscard]] virtual std::optional<Timestamp> arrived_at() const { return std::nullopt; }

  /// Nobody needs the records of before any more.
  virtual void release() {}
};

/// Of Framing::Kind::json: records that bring their keys.
std::unique_ptr<RecordSource> make_json_source(bool with_origin);

/// Of Framing::Kind::frames: likewise.
std::unique_ptr<RecordSource> make_frame_source(bool with_origin);

}  // namespace shardlog::cli
