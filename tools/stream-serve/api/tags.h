#pragma once

#include <cstddef>

#include "shardlog/log/settings.h"
#include "tools/stream-serve/api/refusal.h"
#include "tools/stream-serve/wire/value.h"

namespace shardlog::serve::api {

constexpr std::size_t most_tags = 50;  ///< of a stream, or of a consumer

/// The member "Tags" of a request; none if it is not there.
ValueChanges tags_in(const wire::Value& input);

/// Refuses characters that cannot be in tags (Kinesis API, "AddTagsToStream").
Check check_characters(const ValueChanges& changes);

}  // namespace shardlog::serve::api
