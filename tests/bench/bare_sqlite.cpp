// What SQLite alone gives on this machine: the yardstick for stream-put. It stores standard input as blobs, one commit
// each, with the settings that a stream has, and does nothing that a stream does beyond that.
//
//     bare_sqlite DATABASE blobs      4 MiB a blob, as stream-put cuts its batches
//     bare_sqlite DATABASE lines      one line a blob

#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

constexpr std::size_t blob_size = 4UL * 1024 * 1024;
constexpr int checkpoint_pages = 64 * 1024 / 16;  // 64 MiB

void expect(int result, int expected, sqlite3* database) {
  if (result == expected) return;
  std::fprintf(stderr, "bare_sqlite: %s\n", sqlite3_errmsg(database));
  std::exit(1);
}

class Database {
 public:
  explicit Database(const char* path) {
    expect(sqlite3_open(path, &database_), SQLITE_OK, database_);
    run("PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA secure_delete=OFF; CREATE TABLE blobs(id INTEGER PRIMARY KEY, data BLOB)");
    sqlite3_wal_autocheckpoint(database_, checkpoint_pages);
    expect(sqlite3_prepare_v2(database_, "INSERT INTO blobs(data) VALUES(?)", -1, &insert_, nullptr), SQLITE_OK,
           database_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }

  void store(const char* data, std::size_t size) {
    expect(sqlite3_bind_blob(insert_, 1, data, static_cast<int>(size), SQLITE_STATIC), SQLITE_OK, database_);
    expect(sqlite3_step(insert_), SQLITE_DONE, database_);
    expect(sqlite3_reset(insert_), SQLITE_OK, database_);
  }

 private:
  void run(const char* sql) { expect(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK, database_); }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

void store_blobs(Database& database) {
  std::string blob(blob_size, '\0');
  std::size_t used = 0;
  while (const ssize_t got = ::read(STDIN_FILENO, blob.data() + used, blob.size() - used)) {
    if (got < 0) std::exit(1);
    used += static_cast<std::size_t>(got);
    if (used < blob.size()) continue;
    database.store(blob.data(), used);
    used = 0;
  }
  if (used > 0) database.store(blob.data(), used);
}

void store_lines(Database& database) {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) database.store(line.data(), line.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  Database database(argv[1]);
  if (std::strcmp(argv[2], "blobs") == 0) store_blobs(database);
  if (std::strcmp(argv[2], "lines") == 0) store_lines(database);
  return 0;
}
