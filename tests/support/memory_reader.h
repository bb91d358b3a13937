#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "support/memory_store.h"

namespace shardlog::test {

/// Where reading of a shard goes on.
struct MemoryCursor {
  std::uint64_t next = 0;                   ///< nothing before this number is wanted
  std::optional<std::uint64_t> end{};       ///< nor anything from this one on
  Timestamp not_before = Timestamp::min();  ///< nor anything before the first that arrived at this time or later
  bool by_number = true;                    ///< what was trimmed behind `next` is missed
  bool has_come = true;                     ///< there is a record at the position
  bool ended = false;                       ///< that was told
};

using MemoryCursors = std::map<ShardId, MemoryCursor>;

/// Where `position` is in each of these shards. Throws usage and not_found as Stream::read().
MemoryCursors cursors_at(const MemoryLog& log, const Position& position, const std::vector<ShardId>& shards);
MemoryCursor cursor_at(const MemoryLog& log, const ShardStart& start);

/// All of them where none is named. Throws not_found.
std::vector<ShardId> chosen(const MemoryLog& log, const std::vector<ShardId>& shards);

class MemoryReader final : public Reader {
 public:
  MemoryReader(std::shared_ptr<MemoryStore> store, const Clock& clock, const ReadRequest& request);

  ReadResult next(std::size_t budget) override;
  [[nodiscard]] capacity::Limits limits() const override { return limits_; }
  bool wait(Duration timeout, std::stop_token stop) override;

 private:
  void begin(const MemoryLog& log, const ReadRequest& request);
  void end(const MemoryLog& log, const ReadRequest& request);
  void check_strict(const MemoryLog& log) const;
  void adopt(const MemoryLog& log, bool at_start);
  void tell_gaps(const MemoryLog& log, ReadResult& result);
  [[nodiscard]] std::vector<const MemoryBatch*> unread(const MemoryLog& log) const;
  std::size_t deliver(const MemoryBatch& batch, ReadResult& result);
  void tell_ends(const MemoryLog& log, ReadResult& result);
  [[nodiscard]] bool at_end(const MemoryLog& log) const;

  std::shared_ptr<MemoryStore> store_;
  const Clock& clock_;
  bool follow_;
  bool notice_;
  bool descendants_;
  bool listed_;  ///< shards were chosen
  Timestamp not_before_ = Timestamp::min();
  std::optional<Timestamp> until_{};  ///< a time that had not come
  std::optional<ShardId> last_{};     ///< reading ends with this shard's end
  MemoryCursors cursors_;
  capacity::Limits limits_;
  std::uint64_t seen_ = 0;
};

}  // namespace shardlog::test
