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

  /// Makes a consumer (nothing expected), changes it whole, or removes it (nothing desired). False, and nothing is
  /// changed, where it is not as expected: look again.
  virtual bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) = 0;

  /// Changes these leases of the consumer with this UUID, all or none. False, and nothing is changed, where one of them
  /// is not as expected or there is no such consumer: look again. Where owners, claimants and shards stay, it is as
  /// cheap as it can be: a power cut may undo it, and nobody is woken.
  virtual bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) = 0;
};

}  // namespace shardlog
