#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"
#include "tools/stream-stats/condition.h"
#include "tools/stream-stats/load.h"

namespace shardlog::cli {

struct StatsCommand {
  std::optional<std::string> stream;     ///< absent: all of `servers`, in $STREAM_DIR, or in the working directory
  std::optional<std::string> servers{};  ///< "nats:" for instance
  bool json = false;
  std::vector<std::string> shard_for;
  bool consumers = false;
  std::optional<std::string> consumer;  ///< this one only
  bool producers = false;
  bool sizing = false;
  std::optional<Load> load{};  ///< for the sizing; absent: the load seen
  bool verify = false;
  bool shards = false;              ///< all of them, even if there are many
  std::optional<Duration> watch{};  ///< the interval
  std::vector<Condition> checks{};
  bool prometheus = false;
  bool history = false;
  bool html = false;
  std::optional<std::string> since{};  ///< where the history begins; absent: a day ago
};

void define(OptionTable& options, StatsCommand& command);

ExitStatus run_stats(StatsCommand command, const Context& context);

}  // namespace shardlog::cli
