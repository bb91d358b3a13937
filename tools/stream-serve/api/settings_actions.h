#pragma once

#include <vector>

#include "tools/stream-serve/api/action.h"

namespace shardlog::serve::api {

/// IncreaseStreamRetentionPeriod, DecreaseStreamRetentionPeriod, UpdateMaxRecordSize, DescribeLimits,
/// DescribeAccountSettings, UpdateAccountSettings.
std::vector<Action> settings_actions();

/// AddTagsToStream, RemoveTagsFromStream, ListTagsForStream, TagResource, UntagResource, ListTagsForResource.
std::vector<Action> tag_actions();

}  // namespace shardlog::serve::api
