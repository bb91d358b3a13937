#include "tools/stream-get/nearest_consumer.h"

#include <vector>

#include "shardlog/core/nearest.h"

namespace shardlog::cli {

std::string nearest_consumer(Stream& stream, const std::string& name) {
  std::vector<std::string> names;
  for (const Consumer& consumer : stream.leases().all()) {
    if (consumer.name != name) names.push_back(consumer.name);
  }
  return did_you_mean(name, names);
}

}  // namespace shardlog::cli
