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

  /// Borrows from `data` or from this object. Nothing where the record has none.
  virtual std::optional<std::string_view> key_of(std::string_view data) = 0;
};

/// Nullptr where records are to have no key. Throws usage for an expression that is none.
std::unique_ptr<KeySource> make_key_source(const KeyOptions& options);

}  // namespace shardlog::cli
