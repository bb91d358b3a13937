#include "tools/common/exit_status.h"

namespace shardlog::cli {

ExitStatus exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return ExitStatus::usage;
    case ErrorCode::malformed:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
      return ExitStatus::data;
    case ErrorCode::not_found:
      return ExitStatus::not_found;
    case ErrorCode::trimmed:
      return ExitStatus::trimmed;
    case ErrorCode::exists:
    case ErrorCode::cannot_create:
      return ExitStatus::cannot_create;
    case ErrorCode::io:
      return ExitStatus::io;
    case ErrorCode::busy:
    case ErrorCode::full:
      return ExitStatus::try_again;
    case ErrorCode::fenced:
      return ExitStatus::fenced;
    case ErrorCode::permission:
      return ExitStatus::permission;
    case ErrorCode::internal:
      break;
  }
  return ExitStatus::internal;
}

}  // namespace shardlog::cli
