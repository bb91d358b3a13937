#include "shardlog/capacity/sizing.h"

#include <optional>

#include "shardlog/core/numbers.h"

namespace shardlog::capacity {

namespace {

constexpr double machine_use = 0.7;

std::uint64_t whole(double number) {
  return static_cast<std::uint64_t>(rounded_up(number));
}

std::uint64_t needed(double demand, const std::optional<std::uint64_t>& limit) {
  return limit ? whole(demand / static_cast<double>(*limit)) : 0;
}

double part(double demand, double rate) {
  return rate > 0 ? demand / rate : 0;
}

}  // namespace

ShardsNeeded shards_for(const Demand& demand, const Limits& limits) {
  return {needed(demand.records, limits.write_records), needed(demand.bytes, limits.write_bytes),
          needed(demand.bytes * static_cast<double>(demand.readers), limits.read_bytes)};
}

std::uint64_t machines_for(const Demand& demand, const MachineRate& machine) {
  const double used = std::max(part(demand.records, machine.records), part(demand.bytes, machine.bytes)) / machine_use;
  return std::max(std::uint64_t{1}, whole(used));
}

}  // namespace shardlog::capacity
