#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct ReshardCommand {
  std::string action;                  ///< split, merge, scale or auto
  std::optional<std::string> stream;   ///< present after check()
  std::vector<std::string> arguments;  ///< the shards to split or merge, or for scale the new number of shards
  std::optional<std::string> at;       ///< a hash key
  std::optional<std::string> at_key;   ///< a partition key
  std::optional<double> target;        ///< in percent
  std::optional<std::uint32_t> least;
  std::optional<std::uint32_t> most;
  bool dry_run = false;
  bool json = false;
};

void define(OptionTable& options, ReshardCommand& command);

/// Throws usage if the arguments are not those of an action.
void check(const ReshardCommand& command);

ExitStatus run_reshard(const ReshardCommand& command, const Context& context);

/// For the action auto.
ExitStatus run_auto(const ReshardCommand& command, const Context& context);

}  // namespace shardlog::cli
