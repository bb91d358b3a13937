#include "shardlog/core/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog {

namespace {

constexpr int zstd_level = 1;  // a higher level takes longer than writing the bytes that it saves

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// A new context costs as much as a small batch, so each thread keeps its own.
template <typename Context, Context* (*create)()>
Context* context_of_thread() {
  thread_local const std::unique_ptr<Context, FreeContext> context(create());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

// By their numbers.
constexpr std::array<std::string_view, 3> names{"none", "lz4", "zstd"};

}  // namespace

std::string_view to_string(Compression compression) {
  return names.at(static_cast<std::size_t>(compression));
}

std::optional<Compression> parse_compression(std::string_view name) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<Compression>(found - names.begin()));
}

std::optional<std::size_t> compress(Compression compression, std::string_view from, char* to, std::size_t room) {
  if (compression == Compression::lz4) {
    const int size = LZ4_compress_default(from.data(), to, static_cast<int>(from.size()), static_cast<int>(room));
    return size > 0 ? std::optional(static_cast<std::size_t>(size)) : std::nullopt;
  }
  const std::size_t size = ZSTD_compressCCtx(context_of_thread<ZSTD_CCtx, ZSTD_createCCtx>(), to, room, from.data(),
                                             from.size(), zstd_level);
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
    whole = ZSTD_decompressDCtx(context_of_thread<ZSTD_DCtx, ZSTD_createDCtx>(), result.data(), size, from.data(),
                                from.size()) == size;
  }
  if (!whole) throw Error(ErrorCode::corrupt, "its compressed body does not have the size that it claims");
  return result;
}

}  // namespace shardlog
