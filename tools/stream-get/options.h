#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

enum class OutputForm { lines, json };

struct GetCommand {
  std::string stream;
  std::vector<ShardId> shards;  ///< none means all
  bool descendants = false;
  std::string from = "trim-horizon";
  std::optional<std::string> until;  ///< nothing: the end as it was at the start, none with --follow
  std::optional<std::uint64_t> count;
  bool follow = false;
  std::optional<Duration> idle_exit;
  std::optional<Duration> poll;
  OutputForm form = OutputForm::lines;
};

void define(CLI::App& app, GetCommand& command);

ExitStatus run_get(const GetCommand& command, const Context& context);

}  // namespace shardlog::cli
