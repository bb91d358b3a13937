#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/core/consumer.h"
#include "shardlog/core/export.h"
#include "shardlog/core/producer.h"
#include "shardlog/core/shard_map.h"
#include "shardlog/log/settings.h"

/// The small parts of an open stream: one interface for each subject, all implemented by the engine. They are for the
/// thread of the stream.
namespace shardlog {

class SHARDLOG_API Resharding {
 public:
  virtual ~Resharding() = default;

  /// Applies `step` whole, if the shard map still has `version`, and returns the map's new version. If the map has
  /// changed since, does nothing and returns nullopt: describe() the stream and plan again. The engine chooses the
  /// children's ids, and takes those of the plan if it can. `attributes` are changed in the same commit. Throws usage
  /// and not_found if the step does not fit the shard map, or an attribute is outside its bounds; and as
  /// Stream::append().
  virtual std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version,
                                                 const ValueChanges& attributes = {}) = 0;

  struct Applied {
    std::size_t steps;
    ShardMap::Version version;  ///< of the map after them
  };
  /// Applies the first of the steps as apply() does; or all of them at once, if that takes this engine hardly longer
  /// than one. For whoever has a whole plan: call it until all steps are applied. REQUIRES: at least one step
  virtual std::optional<Applied> apply_some(std::span<const ReshardStep> steps, ShardMap::Version version,
                                            const ValueChanges& attributes = {}) {
    const auto next = apply(steps.front(), version, attributes);
    return next ? std::optional(Applied{1, *next}) : std::nullopt;
  }
};

/// The consumers of a stream. An engine without room for leases may lend the store of another stream. Everything that
/// writes throws as Stream::append().
class SHARDLOG_API LeaseStore {
 public:
  virtual ~LeaseStore() = default;

  virtual std::optional<Consumer> find(const std::string& name) = 0;
  /// In the order of their names.
  virtual std::vector<Consumer> all() = 0;

  /// Makes a consumer (expects nullopt), changes it whole, or removes it (desires nullopt). If it is not as expected,
  /// changes nothing and returns false: read it again.
  virtual bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) = 0;

  /// Changes these leases of the consumer with this UUID, all or none. If a lease is not as expected, or there is no
  /// such consumer, changes nothing and returns false: read them again. A change that leaves owners, claimants and
  /// shards as they are is cheap: a power cut may undo it, and followers are not woken.
  virtual bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) = 0;
};

/// What an engine knows about the processes that own leases.
class SHARDLOG_API Liveness {
 public:
  virtual ~Liveness() = default;

  /// Identifies this process, for LeaseOwner::process: no other process has the same text, now or later.
  virtual std::string self() = 0;

  enum class State {
    gone,  ///< it will never change its leases again
    alive,
    unknown,  ///< it runs on another host, for instance: judge it by the counter of its leases
  };
  virtual State state_of(const std::string& process) = 0;

  /// For messages, "pid 4711"; empty if there is nothing to tell a person.
  virtual std::string describe(const std::string& process) = 0;
};

/// How far the producers of a stream have come. Stream::append() moves them, in one commit with what they store.
class SHARDLOG_API ProducerStore {
 public:
  virtual ~ProducerStore() = default;

  /// All positions of one producer, in the order of their sources.
  virtual std::vector<Producer> of(const std::string& name) = 0;
  /// Those of all producers, in the order of their ids.
  virtual std::vector<Producer> all() = 0;

  /// Removes all positions of a producer; false if it has none. Throws as Stream::append().
  virtual bool forget(const std::string& name) = 0;
};

/// Tells a caller about commits while it waits for something other than records.
class SHARDLOG_API Notice {
 public:
  virtual ~Notice() = default;

  /// Waits until something was committed since the last call, `timeout` is over, or `stop` is requested. Returns true
  /// if it noticed a commit, or may have missed one. That is only a hint: always look again.
  virtual bool wait(Duration timeout, const std::stop_token& stop) = 0;
};

}  // namespace shardlog
