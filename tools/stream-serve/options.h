#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/shard.h"
#include "tools/common/option_table.h"
#include "tools/common/tool.h"

namespace shardlog::serve {

struct ServeCommand {
  std::optional<std::string> directory;  ///< nullopt: $STREAM_DIR, or the working directory
  std::string listen = "127.0.0.1:4567";
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::optional<std::string> credentials;  ///< a file; nullopt: signatures are not verified
  std::string account = "000000000000";
  std::string region;  ///< empty: that of the request's signature
  std::uint32_t shard_limit = max_shards;
  Duration transition{0};  ///< how long streams are CREATING, UPDATING and DELETING
  bool throttle = false;
  Sync sync = Sync::full;
};

void define(cli::OptionTable& options, ServeCommand& command);

/// Throws usage if the options make no sense.
void check(const ServeCommand& command);

cli::ExitStatus run_serve(const ServeCommand& command, const cli::Context& context);

}  // namespace shardlog::serve
