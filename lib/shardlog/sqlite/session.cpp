#include "shardlog/sqlite/session.h"

#include <SQLiteCpp/Transaction.h>
#include <unistd.h>

#include <cerrno>

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

}  // namespace

Session::Session(const std::string& path, const OpenOptions& options, const Clock& clock)
    : paths_(find_stream(path)),
      clock_(clock),
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

}  // namespace shardlog::sqlite
