#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/stream.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/key_source.h"

namespace shardlog::cli {

/// Of each record in the order of the input: its batch, and its place there.
using Places = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Records on their way to the disk: routed, encoded, checksummed.
struct Encoded {
  std::vector<RoutedBatch> batches;
  Places places;                      ///< only where acknowledgements are wanted
  std::size_t bytes = 0;              ///< of the payloads
  std::optional<InputError> error{};  ///< what is wrong with the input behind these records
};

/// Finds keys, routes and encodes. For one thread.
class Batcher {
 public:
  Batcher(const StreamDescription& stream, const KeyOptions& key, bool with_places);

  /// From the next chunk on. May be called from any thread.
  void use(ShardMap map);

  /// A record that breaks a rule ends it: those before it are encoded, and the error says which it was.
  Encoded encode(const Chunk& chunk);

 private:
  void take_over_map();
  void encode_lines_of(const Chunk& chunk, Encoded& encoded);
  void encode_keyed(const Chunk& chunk, Encoded& encoded);
  Record make_record(std::string_view data);
  std::size_t route(const Record& record);
  void add(std::size_t shard, EncodedBatch batch, Encoded& encoded) const;
  void flush_shard(std::size_t shard, Encoded& encoded);

  std::mutex mutex_;
  std::optional<ShardMap> next_map_;  ///< guarded by the mutex

  Router router_;
  std::uint64_t max_record_size_;
  std::unique_ptr<KeySource> key_source_;
  std::string missing_key_;
  bool with_places_;

  // Of the chunk that is being encoded, by place in the shard map's open_shards().
  struct Pending {
    std::vector<Record> records;
    std::vector<std::size_t> inputs;  ///< their places in the chunk
    std::size_t bytes = 0;
  };
  std::vector<Pending> pending_;
  std::optional<std::size_t> keyless_shard_;
};

}  // namespace shardlog::cli
