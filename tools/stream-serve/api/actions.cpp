#include <algorithm>
#include <iterator>

#include "tools/stream-serve/api/action.h"
#include "tools/stream-serve/api/consumer_actions.h"
#include "tools/stream-serve/api/kept_actions.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/policy_actions.h"
#include "tools/stream-serve/api/put_actions.h"
#include "tools/stream-serve/api/read_actions.h"
#include "tools/stream-serve/api/reshard_actions.h"
#include "tools/stream-serve/api/settings_actions.h"
#include "tools/stream-serve/api/shard_actions.h"
#include "tools/stream-serve/api/stream_actions.h"

namespace shardlog::serve::api {

namespace {

/// The model has it wherever a stream or a consumer can be named by an ARN.
void add_stream_id(Action& action) {
  const bool has_arn = std::any_of(action.members.begin(), action.members.end(),
                                   [](const Member& member) { return member.name.ends_with("ARN"); });
  if (has_arn) action.members.push_back({"StreamId", stream_id()});
}

}  // namespace

std::vector<Action> actions() {
  std::vector<Action> all = stream_actions();
  for (std::vector<Action>& some :
       std::vector{put_actions(), read_actions(), shard_actions(), reshard_actions(), settings_actions(), tag_actions(),
                   kept_actions(), consumer_actions(), policy_actions()}) {
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  std::for_each(all.begin(), all.end(), add_stream_id);
  return all;
}

}  // namespace shardlog::serve::api
