#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shardlog/log/settings.h"

namespace shardlog::sqlite {

/// The features of a stream: a name and a text for each. The text tells programs that do not know the feature what they
/// may do with the stream: "compatible" (everything), "read" (only read) or "incompatible" (nothing). Any other text
/// counts as incompatible.
using Features = std::map<std::string, std::string, std::less<>>;

/// Batches are missing: see losses.h.
constexpr std::string_view feature_loss = "loss";

/// Payloads of large commits are in files beside the database: see segment_row.h. A feature, not a new version of the
/// format: streams with and without it are alike in all else, and older programs refuse it by its name.
constexpr std::string_view feature_segments = "segments";

constexpr std::string_view compatible = "compatible";
constexpr std::string_view compatible_to_read = "read";
constexpr std::string_view incompatible = "incompatible";

/// Throws unsupported if a feature that this program does not know forbids the access. The message names the feature.
void check_features(const Features& features, Access access);

/// Whether a setting, table or column belongs to a feature that this program does not know. Then its name is the name
/// of the feature, or begins with the name of the feature and '_' or ':'.
bool announced(const Features& features, std::string_view name);

}  // namespace shardlog::sqlite
