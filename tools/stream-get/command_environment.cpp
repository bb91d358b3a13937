#include "tools/stream-get/command_environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace shardlog::cli {

namespace {

constexpr std::array<std::string_view, 6> ours{"STREAM_NAME=",          "STREAM_SHARD=",      "STREAM_FIRST_SEQUENCE=",
                                               "STREAM_LAST_SEQUENCE=", "STREAM_FIRST_TIME=", "STREAM_FENCE="};

/// The last part of a path, so that it can be a part of the name of a file.
std::string name_of(const std::string& address) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::canonical(address, error);
  if (error) path = address;
  return path.filename();
}

}  // namespace

CommandEnvironment::CommandEnvironment(const std::string& address) {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (std::none_of(ours.begin(), ours.end(), [text](std::string_view name) { return text.starts_with(name); }))
      common_.emplace_back(text);
  }
  common_.push_back("STREAM_NAME=" + name_of(address));
}

std::vector<std::string> CommandEnvironment::of(const consuming::Batch& batch) const {
  std::vector<std::string> result = common_;
  result.push_back("STREAM_SHARD=" + batch.shard.to_string());
  result.push_back("STREAM_FIRST_SEQUENCE=" + batch.first_sequence().to_string());
  result.push_back("STREAM_LAST_SEQUENCE=" + batch.last_sequence().to_string());
  result.push_back("STREAM_FIRST_TIME=" + to_rfc3339(batch.first_arrival()));
  result.push_back(fmt::format("STREAM_FENCE={}", batch.epoch));
  return result;
}

}  // namespace shardlog::cli
