#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shardlog/log/settings.h"

namespace shardlog::sqlite {

/// The features of a stream. Each has a name, and says what a program that does not know it may do with the stream:
/// "compatible" (everything), "read" (only read) or "incompatible" (nothing). Any other text counts as incompatible.
using Features = std::map<std::string, std::string, std::less<>>;

/// Batches are missing: see losses.h.
constexpr std::string_view feature_loss = "loss";

constexpr std::string_view compatible = "compatible";
constexpr std::string_view compatible_to_read = "read";
constexpr std::string_view incompatible = "incompatible";

/// Throws unsupported, naming the feature, if one that this program does not know forbids the access.
void check_features(const Features& features, Access access);

/// Whether a setting, table or column belongs to a feature that this program does not know: its name is that of the
/// feature, or begins with it and '_' or ':'.
bool announced(const Features& features, std::string_view name);

}  // namespace shardlog::sqlite
