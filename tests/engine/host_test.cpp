#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <string>

#include "support/stream_test.h"

namespace shardlog {
namespace {

/// The system calls of SQLite's file system layer that a host uses.
std::map<std::string, sqlite3_syscall_ptr> system_calls() {
  sqlite3_vfs* const layer = sqlite3_vfs_find(nullptr);
  std::map<std::string, sqlite3_syscall_ptr> calls;
  for (const char* name = layer->xNextSystemCall(layer, nullptr); name != nullptr;
       name = layer->xNextSystemCall(layer, name)) {
    calls[name] = layer->xGetSystemCall(layer, name);
  }
  return calls;
}

/// A database of the program that uses the library, opened in the same process.
class HostDatabase {
 public:
  explicit HostDatabase(const std::string& path) : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {
    database_.exec("CREATE TABLE IF NOT EXISTS numbers(number INTEGER)");
  }

  int add_number() {
    database_.exec("INSERT INTO numbers VALUES (1)");
    return database_.execAndGet("SELECT count(*) FROM numbers").getInt();
  }

  /// What SQLite calls for its file.
  const sqlite3_io_methods* methods() {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
    return file->pMethods;
  }

 private:
  SQLite::Database database_;
};

class Host : public test::StreamTest {
 protected:
  std::string own_ = directory_.path() + "/own.db";
};

TEST_F(Host, KeepsItsFileSystemLayer) {
  const auto calls = system_calls();
  sqlite3_vfs* const layer = sqlite3_vfs_find(nullptr);
  ASSERT_GT(calls.size(), 10U);
  HostDatabase before(own_);
  const sqlite3_io_methods* const methods = before.methods();
  EXPECT_EQ(before.add_number(), 1);

  create();
  const auto writer = open_to_write();
  put(*writer, 0, {std::string(2 * test::mebibyte, 'a')});
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(system_calls(), calls);
  EXPECT_EQ(sqlite3_vfs_find(nullptr), layer) << "the default layer is another one";

  HostDatabase after(own_);
  EXPECT_EQ(after.methods(), methods) << "its files are opened in another way";
  EXPECT_EQ(after.add_number(), 2);
  EXPECT_EQ(before.add_number(), 3);
  put(*writer, 0, {"b"});
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(Host, ThatFailsToOpenAFileHasNoPartInAnOpening) {
  create();
  EXPECT_THROW(HostDatabase(directory_.path() + "/missing/own.db"), SQLite::Exception);
  EXPECT_EQ(put(*open_to_write(), 0, {"a"}), "1");
  EXPECT_EQ(lines(), Lines{"a"});
}

}  // namespace
}  // namespace shardlog
