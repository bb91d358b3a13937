#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shardlog/core/record.h"

namespace shardlog::producing {

/// Inputs with fewer bytes are cut into one run for each shard. This is 1/64 less than 1 MiB, because that much of a
/// full chunk of a longer input may stay unused.
constexpr std::size_t short_input = 1024UL * 1008;

constexpr std::size_t least_run_records = 256;  ///< in a short input: fewer are not worth a batch

/// The length of a run in a longer input until each shard has had four of them. From then on a run is a quarter of what
/// each shard has had, which spreads the records just as evenly. Shorter runs compress worse and cost the database
/// more.
constexpr std::size_t run_bytes = 256UL * 1024;

/// Cuts consecutive records without a key into runs, which are then dealt out over the open shards. Returns how many
/// records, at least 1, each run has, in their order. `sizes` are those of the records and may be empty; `input_bytes`
/// is how much input there was up to the last record.
std::vector<std::size_t> cut_into_runs(std::span<const std::uint32_t> sizes, std::size_t shards,
                                       std::uint64_t input_bytes);
std::vector<std::size_t> cut_into_runs(std::span<const Record> records, std::size_t shards, std::uint64_t input_bytes);

}  // namespace shardlog::producing
