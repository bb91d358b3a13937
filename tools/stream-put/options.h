#pragma once

#include <string>
#include <vector>

#include "shardlog/stream.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

/// Where a record's partition key comes from. At most one of the sources is given.
struct KeyOptions {
  std::string constant;
  bool constant_given = false;
  std::uint32_t field = 0;      ///< from 1; 0 is none
  std::string field_separator;  ///< empty: runs of blanks, as awk
  std::string regex;
  bool regex_given = false;
  std::optional<std::string> missing;  ///< error (as nothing is), none, or the key to take instead
};

struct PutCommand {
  std::string stream;
  std::vector<std::string> files;  ///< none means standard input, as "-" does
  KeyOptions key;
  bool ack = false;
  Sync sync = Sync::full;
  Duration linger{0};
};

void define(CLI::App& app, PutCommand& command);

ExitStatus run_put(const PutCommand& command, const Context& context);

}  // namespace shardlog::cli
