#include "shardlog/sqlite/features.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

bool known(std::string_view feature) {
  return feature == feature_loss || feature == feature_segments;
}

bool allows(std::string_view stored, Access access) {
  return stored == compatible || (stored == compatible_to_read && access == Access::read);
}

bool belongs_to(std::string_view name, std::string_view feature) {
  if (feature.empty() || !name.starts_with(feature)) return false;
  return name.size() == feature.size() || name[feature.size()] == '_' || name[feature.size()] == ':';
}

}  // namespace

void check_features(const Features& features, Access access) {
  for (const auto& [name, stored] : features) {
    if (known(name) || allows(stored, access)) continue;
    throw Error(ErrorCode::unsupported,
                fmt::format("the stream has the feature {}, which this program does not know{}: use a newer shardlog",
                            quote(name), allows(stored, Access::read) ? ", so it can only be read" : ""));
  }
}

bool announced(const Features& features, std::string_view name) {
  return std::any_of(features.begin(), features.end(),
                     [name](const auto& feature) { return !known(feature.first) && belongs_to(name, feature.first); });
}

}  // namespace shardlog::sqlite
