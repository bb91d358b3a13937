#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shardlog/core/record.h"

namespace shardlog::producing {

/// Inputs of fewer bytes are cut into one run a shard. A 64th less than 1 MiB, because that is how much of a full chunk
/// of a longer input may stay unused.
constexpr std::size_t short_input = 1024UL * 1008;

constexpr std::size_t least_run_records = 256;  ///< in a short input: smaller ones are not worth a batch

/// In a longer input, until each shard has had four such runs; then a run is a quarter of what each shard has had,
/// which is as even. Smaller runs than that compress worse and cost the database more.
constexpr std::size_t run_bytes = 256UL * 1024;

/// Cuts consecutive records without a key into runs, which are then dealt out over the open shards. Returns how many
/// records each run has, in their order, at least 1. `sizes` are those of the records and may be empty; `input_bytes`
/// is how much input there was up to the last of them.
std::vector<std::size_t> cut_into_runs(std::span<const std::uint32_t> sizes, std::size_t shards,
                                       std::uint64_t input_bytes);
std::vector<std::size_t> cut_into_runs(std::span<const Record> records, std::size_t shards, std::uint64_t input_bytes);

}  // namespace shardlog::producing
