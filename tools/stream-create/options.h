#pragma once

#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct CreateCommand {
  std::string stream;
  std::uint32_t shards = 1;
  std::uint64_t max_record_size = default_max_record_size;
  Duration retention = forever;
  std::vector<std::string> tags;  ///< KEY=VALUE
  std::optional<std::string> group;
  bool if_missing = false;
  bool update = false;
  bool repair_clock = false;
  bool force = false;

  // Which of them were given: --update changes only those.
  bool shards_given = false;
  bool max_record_size_given = false;
  bool retention_given = false;
};

void define(CLI::App& app, CreateCommand& command);

ExitStatus run_create(const CreateCommand& command, const Context& context);

}  // namespace shardlog::cli
