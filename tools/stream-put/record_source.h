#pragma once

#include <functional>
#include <memory>
#include <span>

#include "shardlog/core/record.h"
#include "tools/stream-put/framing.h"
#include "tools/stream-put/options.h"

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
  virtual void release() = 0;
};

/// Throws usage as make_key_source().
std::unique_ptr<RecordSource> make_record_source(const Framing& framing, const KeyOptions& key);

}  // namespace shardlog::cli
