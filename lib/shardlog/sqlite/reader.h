#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "shardlog/sqlite/commit_watch.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/writer_lock.h"
#include "shardlog/stream.h"

namespace shardlog::sqlite {

/// Reads batches in commit order. Its place is a Tail: it checks that every shard's sequence numbers continue, those of
/// shards that are not asked for too, so that a row that is missing is found.
class SqliteReader final : public Reader {
 public:
  /// All must outlive it.
  SqliteReader(SQLite::Database& database, const Paths& paths, const WriterLock& lock, const Clock& clock,
               const ReadRequest& request);

  ReadResult next(std::size_t budget) override;
  bool wait(Duration timeout, std::stop_token stop) override;

 private:
  static constexpr std::int64_t open_ended = std::numeric_limits<std::int64_t>::max();

  struct Fetched {
    BatchRow row;
    Bytes payload;
  };

  ReadResult next_unnamed(std::size_t budget);
  void resolve(const ReadRequest& request);
  void seek_to_time(Tail& tail, Timestamp time);
  std::vector<Fetched> fetch(std::size_t budget);
  void follow_map();
  void add_descendants();
  [[nodiscard]] bool wanted(const BatchRow& row) const;
  [[nodiscard]] bool all_closed() const;

  SQLite::Database& database_;
  const Paths& paths_;
  const WriterLock& lock_;
  const Clock& clock_;
  bool noticing_;
  CommitWatch watch_;
  Configuration configuration_;
  std::set<std::int64_t> shards_;  ///< empty means all
  bool descendants_;
  Tail tail_;
  std::int64_t last_batch_ = open_ended;  ///< where reading ends
  std::optional<Timestamp> until_;
  bool ended_ = false;
  std::optional<Error> damage_;  ///< to be thrown once all before it is delivered
  SQLite::Statement rows_;
  SQLite::Statement version_;
};

}  // namespace shardlog::sqlite
