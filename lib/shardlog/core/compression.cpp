#include "shardlog/core/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <memory>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog {

namespace {

constexpr int zstd_level = 1;  // a higher level takes longer than the disk would for the bytes saved

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// A new context costs as much as a small batch, so each thread keeps its own.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

}  // namespace

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::lz4:
      return "lz4";
    case Compression::zstd:
      return "zstd";
    case Compression::none:
      break;
  }
  return "none";
}

std::optional<Compression> parse_compression(std::string_view name) {
  for (const Compression compression : {Compression::none, Compression::lz4, Compression::zstd}) {
    if (to_string(compression) == name) return compression;
  }
  return std::nullopt;
}

std::optional<std::size_t> compress(Compression compression, std::string_view from, char* to, std::size_t room) {
  if (compression == Compression::lz4) {
    const int size = LZ4_compress_default(from.data(), to, static_cast<int>(from.size()), static_cast<int>(room));
    return size > 0 ? std::optional(static_cast<std::size_t>(size)) : std::nullopt;
  }
  const std::size_t size = ZSTD_compressCCtx(compressor(), to, room, from.data(), from.size(), zstd_level);
  return ZSTD_isError(size) == 0 ? std::optional(size) : std::nullopt;
}

Bytes decompress(Compression compression, std::string_view from, std::size_t size) {
  Bytes result(size);
  bool whole = false;
  if (compression == Compression::lz4) {
    whole = std::in_range<int>(from.size()) &&
            LZ4_decompress_safe(from.data(), result.data(), static_cast<int>(from.size()), static_cast<int>(size)) ==
                static_cast<int>(size);
  } else {
    whole = ZSTD_decompressDCtx(decompressor(), result.data(), size, from.data(), from.size()) == size;
  }
  if (!whole) throw Error(ErrorCode::corrupt, "its compressed body does not have the size that it claims");
  return result;
}

}  // namespace shardlog
