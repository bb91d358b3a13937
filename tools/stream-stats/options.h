#pragma once

#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct StatsCommand {
  std::string stream;
  bool json = false;
  std::vector<std::string> shard_for;
  bool verify = false;
};

void define(CLI::App& app, StatsCommand& command);

ExitStatus run_stats(const StatsCommand& command, const Context& context);

}  // namespace shardlog::cli
