#pragma once

#include <functional>
#include <memory>
#include <string>

#include "shardlog/log/stream.h"
#include "tools/stream-serve/streams/subscriptions.h"
#include "tools/stream-serve/wire/writer.h"

namespace shardlog::serve::api {

/// What a subscription delivers, and how.
struct Delivery {
  std::unique_ptr<Stream> stream;
  ShardStart start;
  wire::Form form;
  const Clock& clock;
  SubscriptionTimes times;
  std::function<void(const std::string&)> report;  ///< told of what fails through no fault of the client
};

/// Writes the records of a shard as the events of SubscribeToShard, those that exist and then those that come, until
/// the shard is closed and read, or the subscription is over. Errors become events.
void deliver(const Subscription& subscription, const Delivery& delivery);

}  // namespace shardlog::serve::api
