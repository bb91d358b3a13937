#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct CreateCommand {
  std::string stream;
  std::optional<std::uint32_t> shards;  ///< 1
  // What --update leaves as it is where it is not given.
  std::optional<std::uint64_t> max_record_size;
  std::optional<Duration> retention;
  std::optional<Compression> compression;
  std::vector<std::string> tags;    ///< KEY=VALUE
  std::vector<std::string> untags;  ///< KEY
  std::optional<std::string> group;
  bool if_missing = false;
  bool update = false;
  bool repair_clock = false;
  bool accept_loss = false;
  bool force = false;
  bool remove = false;
};

void define(OptionTable& options, CreateCommand& command);

ExitStatus run_create(const CreateCommand& command, const Context& context);

}  // namespace shardlog::cli
