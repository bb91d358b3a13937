#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/core/export.h"

namespace shardlog {

/// What is kept of a stream's consumers. Whatever writes throws as Stream::append(). May be that of another stream: an
/// engine without a place for leases borrows one.
class SHARDLOG_API LeaseStore {
 public:
  virtual ~LeaseStore() = default;

  virtual std::optional<Consumer> find(const std::string& name) = 0;
  /// In the order of their names.
  virtual std::vector<Consumer> all() = 0;

  /// Makes a consumer (nothing expected), changes it whole, or removes it (nothing desired). If it is not as expected,
  /// changes nothing and returns false: read it again.
  virtual bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) = 0;

  /// Changes these leases of the consumer with this UUID, all or none. If one of them is not as expected, or there is
  /// no such consumer, changes nothing and returns false: read them again. A change that leaves owners, claimants and
  /// shards as they are is made cheap: a power cut may undo it, and followers are not woken.
  virtual bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) = 0;
};

}  // namespace shardlog
