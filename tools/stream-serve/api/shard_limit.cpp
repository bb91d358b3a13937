#include "tools/stream-serve/api/shard_limit.h"

#include <fmt/format.h>

#include <chrono>

namespace shardlog::serve::api {

namespace {

/// For each stream that another process holds up. Then it does not count.
constexpr Duration patience = std::chrono::milliseconds(100);

}  // namespace

Totals totals_of(Catalogue& catalogue) {
  Totals totals;
  for (const std::string& name : catalogue.names()) {
    try {
      const StreamDescription described = catalogue.describe(name, patience);
      totals.open_shards += described.map.open_shards().size();
      totals.on_demand_streams += described.settings.mode == Mode::on_demand ? 1 : 0;
    } catch (const Error&) {
      continue;
    }
  }
  return totals;
}

Check check_shard_limit(const Call& call, std::uint64_t more) {
  const std::uint64_t limit = call.environment.shard_limit;
  const std::uint64_t open = totals_of(call.environment.catalogue).open_shards;
  if (open + more <= limit) return std::nullopt;
  return Refusal{limit_exceeded,
                 fmt::format("This request would exceed the shard limit for the account {} in {}. Current shard count "
                             "for the account: {}. Limit: {}. Number of additional shards that would have resulted "
                             "from this request: {}.",
                             call.account.id, call.account.region, open, limit, more)};
}

}  // namespace shardlog::serve::api
