#include "shardlog/sqlite/row_checksum.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <iterator>

namespace shardlog::sqlite {

RowChecksum& RowChecksum::add(std::string_view column) {
  fmt::format_to(std::back_inserter(columns_), "{}:{}\n", column.size(), column);
  return *this;
}

RowChecksum& RowChecksum::add(std::int64_t column) {
  return add(std::string_view(fmt::format_int(column).c_str()));
}

RowChecksum& RowChecksum::add_null() {
  columns_ += "-\n";
  return *this;
}

std::int64_t RowChecksum::value() const {
  return static_cast<std::int64_t>(XXH3_64bits(columns_.data(), columns_.size()));
}

}  // namespace shardlog::sqlite
