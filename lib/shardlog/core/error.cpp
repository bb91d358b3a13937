#include "shardlog/core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace shardlog {

namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::full;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

Error system_error(const std::string& what, int error_number) {
  return {code_of(error_number), what + ": " + std::generic_category().message(error_number)};
}

std::string quote(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  result += '\'';
  return result;
}

}  // namespace shardlog
