#pragma once

#include <vector>

#include "tools/common/option_table.h"
#include "tools/stream-get/consumer_options.h"

namespace shardlog::cli {

/// How the other options of the program go together with those about consumers.
struct OtherOptions {
  std::vector<OptionTable::Option> only_to_print;  ///< that a consumer does not go with
  std::vector<OptionTable::Option> only_to_read;   ///< that say nothing where nothing is read
  std::vector<OptionTable::Option> start;          ///< where to begin
};

/// Adds the options, and what they need and exclude.
void define_consumer(OptionTable& options, ConsumerOptions& consumer, const OtherOptions& others);

/// Throws usage where options do not go together and define_consumer() could not say so. `shards` is how many --shard
/// there are.
void check(const ConsumerOptions& consumer, std::size_t shards);

}  // namespace shardlog::cli
