#pragma once

#include <span>
#include <string>
#include <string_view>

namespace shardlog::cli {

/// "; did you mean 'customer'?" where one of the names is likely to be meant, and nothing where none is.
std::string did_you_mean(std::string_view written, std::span<const std::string> names);

}  // namespace shardlog::cli
