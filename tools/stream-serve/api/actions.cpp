#include <iterator>

#include "tools/stream-serve/api/action.h"
#include "tools/stream-serve/api/consumer_actions.h"
#include "tools/stream-serve/api/kept_actions.h"
#include "tools/stream-serve/api/policy_actions.h"
#include "tools/stream-serve/api/put_actions.h"
#include "tools/stream-serve/api/read_actions.h"
#include "tools/stream-serve/api/reshard_actions.h"
#include "tools/stream-serve/api/settings_actions.h"
#include "tools/stream-serve/api/shard_actions.h"
#include "tools/stream-serve/api/stream_actions.h"

namespace shardlog::serve::api {

std::vector<Action> actions() {
  std::vector<Action> all = stream_actions();
  for (std::vector<Action>& some :
       std::vector{put_actions(), read_actions(), shard_actions(), reshard_actions(), settings_actions(), tag_actions(),
                   kept_actions(), consumer_actions(), policy_actions()}) {
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace shardlog::serve::api
