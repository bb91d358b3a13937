#pragma once

#include <functional>
#include <memory>
#include <span>

#include "shardlog/core/record.h"

namespace shardlog::cli {

/// Makes records of the pieces that a Framer cuts. For one thread at a time.
class RecordSource {
 public:
  virtual ~RecordSource() = default;

  using Take = std::function<void(const Record&)>;

  /// Calls `take` for each record in the piece. They borrow from it, where what had to be decoded was decoded in place,
  /// and until release() from this object. Throws malformed and unsupported; what `take` throws goes through.
  /// REQUIRES: json_padding readable bytes behind `piece`
  virtual void read(std::span<char> piece, const Take& take) = 0;

  /// Nobody needs the records of before any more.
  virtual void release() {}
};

/// Of Framing::Kind::json: records that bring their keys.
std::unique_ptr<RecordSource> make_json_source();

/// Of Framing::Kind::frames: likewise.
std::unique_ptr<RecordSource> make_frame_source();

}  // namespace shardlog::cli
