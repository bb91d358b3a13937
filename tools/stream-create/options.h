#pragma once

#include <optional>
#include <string>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct CreateCommand {
  std::string stream;
  std::optional<std::uint32_t> shards;  ///< unset: 1
  SettingsChange settings;              ///< those that were given
  std::optional<std::string> group;
  bool if_missing = false;
  bool update = false;
  bool force = false;
  bool remove = false;
};

void define(OptionTable& options, CreateCommand& command);

ExitStatus run_create(const CreateCommand& command, const Context& context);

}  // namespace shardlog::cli
