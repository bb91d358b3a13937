#pragma once

#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/core/producer.h"

namespace shardlog {

/// How far the producers of a stream have come. They are moved on by Stream::append(), in one with what they store.
class SHARDLOG_API ProducerStore {
 public:
  virtual ~ProducerStore() = default;

  /// All places of a producer, in the order of their sources; and of all producers, in the order of their ids.
  virtual std::vector<Producer> of(const std::string& name) = 0;
  virtual std::vector<Producer> all() = 0;

  /// Removes all places of a producer; false where it has none. Throws as Stream::append().
  virtual bool forget(const std::string& name) = 0;
};

}  // namespace shardlog
