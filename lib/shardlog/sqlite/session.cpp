#include "shardlog/sqlite/session.h"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "shardlog/sqlite/features.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/schema.h"

namespace shardlog::sqlite {

namespace {

OpenMode mode_for(const Paths& paths, Access access) {
  const bool writable = ::access(paths.database().c_str(), W_OK) == 0 && ::access(paths.directory.c_str(), W_OK) == 0;
  if (access == Access::write && !writable) throw system_error("open for writing", errno);
  return writable ? OpenMode::read_write : OpenMode::read_only;
}

/// Throws if a stream was copied to an unsafe file system, for which --force was not given.
void check_file_system(const Paths& paths, const Configuration& configuration) {
  const std::string unsafe = configuration.unsafe_file_system ? "" : unsafe_file_system(paths.directory);
  if (unsafe.empty()) return;
  throw Error(ErrorCode::cannot_create,
              "SQLite's write-ahead log is not safe on " + unsafe + ", and this stream was created elsewhere");
}

/// While it exists, a database that was opened for reading can be changed.
class Writable {
 public:
  explicit Writable(Database& database) : database_(database) { database_.exec("PRAGMA query_only=OFF"); }
  Writable(const Writable&) = delete;
  Writable& operator=(const Writable&) = delete;
  ~Writable() { database_.tryExec("PRAGMA query_only=ON"); }

 private:
  Database& database_;
};

}  // namespace

Session::Session(const std::string& path, const OpenOptions& options, const Clock& clock)
    : paths_(find_stream(path)),
      clock_(clock),
      options_(options),
      lock_(paths_.lock(), options.access == Access::write),
      files_(paths_),
      lock_wait_(paths_.directory, options.timeout, clock),
      database_(open_database(paths_, mode_for(paths_, options.access))) {
  if (options.access == Access::read) database_.exec("PRAGMA query_only=ON");
  SQLite::Transaction transaction(database_);
  check_schema(database_, options.access);
  configuration_ = load_configuration(database_, options.access);
  version_.emplace(database_, std::string(select_configuration_version));
  check_file_system(paths_, configuration_);
  if (configuration_.features.contains(feature_segments)) segments_.emplace(paths_.directory);
  files_.opened();
  transaction.commit();
  lock_.set_stream(configuration_.uuid);
  if (options.access == Access::write) committer_.emplace(database_, paths_, lock_, files_, options, clock);
}

bool Session::changing_if_free(const std::function<void()>& change, std::int64_t appended_pages) {
  return naming([&] {
    if (committer_) return committer_->commit_if_free(change, appended_pages);
    Committer& committer = aside().committer;
    const Writable writable(database_);
    return committer.commit_if_free(change, appended_pages);
  });
}

Session::Aside& Session::aside() {
  if (aside_) return *aside_;
  if (sqlite3_db_readonly(database_.getHandle(), "main") != 0) {
    throw Error(ErrorCode::permission, "the stream can only be read");
  }
  check_features(configuration_.features, Access::write);
  aside_ = std::make_unique<Aside>(*this, database_);
  return *aside_;
}

Session::Aside::Aside(const Session& session, Database& database)
    : lock(session.paths_.lock(), true),
      committer(database, session.paths_, lock, session.files_, session.options_, session.clock_) {
  lock.set_stream(session.configuration_.uuid);
  committer.leave_log();
}

}  // namespace shardlog::sqlite
