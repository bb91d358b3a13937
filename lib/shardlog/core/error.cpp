#include "shardlog/core/error.h"

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
    case EFBIG:
      return ErrorCode::full;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOLCK:
    case ENOMEM:
      return ErrorCode::busy;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

Error system_error(const std::string& what, int error_number) {
  return {code_of(error_number), what + ": " + std::generic_category().message(error_number)};
}

}  // namespace shardlog
