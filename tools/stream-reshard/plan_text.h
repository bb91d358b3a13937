#pragma once

#include <string>

#include "shardlog/core/shard_map.h"
#include "shardlog/reshard/plan.h"

namespace shardlog::cli {

/// For a person: the key space before and after, and the steps between.
std::string format_plan(const ShardMap& before, const ShardMap& after, const reshard::Plan& plan);

/// For a program: one JSON object on a line.
std::string format_plan_json(const ShardMap& after, const reshard::Plan& plan);

}  // namespace shardlog::cli
