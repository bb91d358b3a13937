#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// Finds the partition key in a record's data. For one thread at a time.
class KeySource {
 public:
  virtual ~KeySource() = default;

  /// Borrows from `data` or, until release(), from this object. Nothing where the record has none. Throws malformed
  /// where the data is not what it is to be looked for in.
  /// REQUIRES: json_padding readable bytes behind `data`
  virtual std::optional<std::string_view> key_of(std::string_view data) = 0;

  /// Nobody needs the keys of before any more.
  virtual void release() {}
};

/// Nullptr where records are to have no key. Throws usage for an expression or a pointer that is none.
std::unique_ptr<KeySource> make_key_source(const KeyOptions& options);

}  // namespace shardlog::cli
