#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace shardlog::sqlite {

/// In bytes.
std::size_t size_of(std::span<const std::string_view> payloads);

/// Writes the payloads to a file, one behind the other, many small ones with one call. Makes the kernel begin to write
/// each MiB to the disk, not only at the sync: see file_layer.h. Throws like system_error().
void write_payloads(int file, std::span<const std::string_view> payloads, std::int64_t at);

}  // namespace shardlog::sqlite
