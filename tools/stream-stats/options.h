#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct StatsCommand {
  std::optional<std::string> stream;  ///< none stands for all that are below $STREAM_DIR
  bool json = false;
  std::vector<std::string> shard_for;
  bool consumers = false;
  std::optional<std::string> consumer;  ///< this one only
  bool producers = false;
  bool verify = false;
  std::string watch;  ///< the interval as it was given; empty without the option
};

void define(OptionTable& options, StatsCommand& command);

ExitStatus run_stats(const StatsCommand& command, const Context& context);

}  // namespace shardlog::cli
