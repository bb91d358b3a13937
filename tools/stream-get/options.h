#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/consuming/worker.h"
#include "shardlog/core/shard.h"
#include "tools/common/option_table.h"
#include "tools/common/sampler.h"
#include "tools/common/tool.h"

namespace shardlog::cli {

struct OutputForm {
  enum class Kind {
    delimited,  ///< the data, followed by `text`
    json,
    frames,
    format,  ///< `text` is the template
  };
  Kind kind = Kind::delimited;
  std::string text = "\n";
};

/// What to do with a record if the command still fails for it after all retries.
enum class OnFailure { stop, skip, dead_letter };

/// The options about consumers and their commands. All of them need a name.
struct ConsumerOptions {
  std::optional<std::string> name;
  consuming::WorkerOptions worker;  ///< from --worker, --batch and others; if `worker.worker` is empty: HOST:PID
  bool no_checkpoint = false;       ///< only look

  std::optional<std::string> exec;  ///< unset: print the records
  std::uint64_t retries = 3;
  OnFailure on_failure = OnFailure::stop;
  std::string dead_letters;         ///< the stream for OnFailure::dead_letter
  std::optional<std::string> into;  ///< the stream that gets what the command prints

  std::optional<std::string> seek;  ///< set the checkpoints to this position, and do nothing else
  bool make = false;                ///< with seek: make the consumer if it does not exist
  bool forget = false;              ///< remove the consumer, and do nothing else
  bool force = false;               ///< even if a live worker holds leases
};

struct GetCommand {
  std::string stream;
  std::vector<ShardId> shards;  ///< empty: all
  bool descendants = false;
  std::vector<std::string> keys;     ///< only records with one of these; empty: all records
  std::optional<std::string> from;   ///< unset: trim-horizon
  std::optional<std::string> until;  ///< unset: the end when the program started; with --follow there is no end
  std::optional<std::uint64_t> count;
  std::optional<double> sample;  ///< percent
  Sampler::By sample_by = Sampler::By::record;
  bool strict = false;
  std::optional<double> replay;  ///< the recorded pace times this
  bool follow = false;
  std::optional<Duration> idle_exit;
  std::optional<Duration> poll;
  OutputForm form;
  ConsumerOptions consumer;
};

void define(OptionTable& options, GetCommand& command);

/// Throws usage if options do not go together.
void check(const GetCommand& command);

/// Prints records without a consumer, or those that a consumer would read next, without changing it.
ExitStatus run_get(const GetCommand& command, const Context& context);

/// Delivers what a consumer has not processed yet: prints it, or runs a command on it.
/// REQUIRES: command.consumer.name
ExitStatus run_consume(const GetCommand& command, const Context& context);

/// --seek and --forget. REQUIRES: command.consumer.name and one of the two
ExitStatus run_manage_consumer(const GetCommand& command, const Context& context);

}  // namespace shardlog::cli
