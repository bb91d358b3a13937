#include "shardlog/sqlite/short_sleeps.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace shardlog::sqlite {

namespace {

constexpr int longest_sleep = 1000;  // microseconds

int sleep_briefly(sqlite3_vfs* /*layer*/, int microseconds) {
  const int slept = std::min(microseconds, longest_sleep);
  std::this_thread::sleep_for(std::chrono::microseconds(slept));
  return slept;
}

sqlite3_vfs* install() {
  static sqlite3_vfs layer = *sqlite3_vfs_find("unix");
  layer.zName = "shardlog";
  layer.xSleep = &sleep_briefly;
  sqlite3_vfs_register(&layer, 0);
  return &layer;
}

}  // namespace

const char* with_short_sleeps() {
  static const sqlite3_vfs* const layer = install();
  return layer->zName;
}

}  // namespace shardlog::sqlite
