#pragma once

#include <string>
#include <utility>
#include <vector>

#include "shardlog/reshard/plan.h"

/// How a plan is shown.
namespace shardlog::cli {

/// What the figures of a plan's steps are.
enum class Figures {
  held,        ///< what the parents hold
  per_second,  ///< what the parents take in
};

/// The shard map after all steps.
ShardMap result_of(const ShardMap& map, const reshard::Plan& plan, Timestamp now);

/// For a person: the key space before and after, and the steps between.
std::string format_plan(const ShardMap& before, const ShardMap& after, const reshard::Plan& plan, Figures figures);

/// For a program: one JSON object on a line. `more` are members with their JSON text, which come first.
std::string format_plan_json(const ShardMap& after, const reshard::Plan& plan,
                             std::vector<std::pair<std::string, std::string>> more = {});

}  // namespace shardlog::cli
