#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/sampler.h"
#include "tools/common/tool.h"
#include "tools/stream-get/consumer_options.h"

namespace shardlog::cli {

struct OutputForm {
  enum class Kind {
    delimited,  ///< the data, and `text` behind it
    json,
    frames,
    format,  ///< the template that `text` is
  };
  Kind kind = Kind::delimited;
  std::string text = "\n";
};

struct GetCommand {
  std::string stream;
  std::vector<ShardId> shards;  ///< none means all
  bool descendants = false;
  std::vector<std::string> keys;     ///< only records of these; none means all
  std::optional<std::string> from;   ///< nothing: trim-horizon
  std::optional<std::string> until;  ///< nothing: the end as it was at the start, none with --follow
  std::optional<std::uint64_t> count;
  std::optional<double> sample;  ///< percent
  Sampler::By sample_by = Sampler::By::record;
  bool strict = false;
  std::optional<double> replay;  ///< so many times as fast as the records arrived
  bool follow = false;
  std::optional<Duration> idle_exit;
  std::optional<Duration> poll;
  OutputForm form;
  ConsumerOptions consumer;
};

void define(OptionTable& options, GetCommand& command);

/// Throws usage where options do not go together.
void check(const GetCommand& command);

/// Prints what is asked for, without a consumer or only with a look at one.
ExitStatus run_get(const GetCommand& command, const Context& context);

}  // namespace shardlog::cli
