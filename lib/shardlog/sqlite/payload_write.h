#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace shardlog::sqlite {

/// In bytes.
std::size_t size_of(std::span<const std::string_view> payloads);

/// When the disk gets what is written: each MiB at once (see file_layer.h), or once begin_to_disk() or a sync asks for
/// it. At once is for whoever syncs next; until then it delays the syncs of others.
enum class Disk { at_once, later };

/// Writes the payloads to a file, one behind the other, many small ones with one call. Throws like system_error().
void write_payloads(int file, std::span<const std::string_view> payloads, std::int64_t at, Disk disk);

/// Makes the kernel begin to write these bytes of a file to the disk.
void begin_to_disk(int file, std::int64_t from, std::int64_t end);

}  // namespace shardlog::sqlite
