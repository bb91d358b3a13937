#pragma once

#include <stdexcept>
#include <string>

#include "shardlog/core/export.h"
#include "shardlog/core/printable.h"  // IWYU pragma: export: messages quote what they name

namespace shardlog {

/// Says what the caller may do about an error. Expected outcomes (the end of a shard, nothing new) are values instead.
enum class ErrorCode {
  usage,          ///< the request itself makes no sense: correct it
  malformed,      ///< a record breaks a rule of the stream: correct the input; nothing of its batch is stored
  corrupt,        ///< stored bytes are not what was written: do not retry, verify the stream
  unsupported,    ///< written by a newer version: use that version
  not_found,      ///< no such stream or shard, or it was removed while in use
  trimmed,        ///< the position is before the trim horizon: read from a later position
  exists,         ///< the name is taken: choose another
  cannot_create,  ///< a stream cannot be made there: choose another place
  io,             ///< the system failed; the outcome of the last append is unknown: stop, open again, compare
  busy,           ///< another process held the stream too long, or the system lacks memory, threads or descriptors:
                  ///< nothing of the last append is stored, try again
  full,           ///< no room: nothing of the last append is stored, try again when there is room
  fenced,         ///< somebody else has taken over this lease or producer: nothing was changed, stop
  permission,     ///< not allowed: ask the owner
  internal,       ///< a defect of this library
};

/// The only exception type that this library throws on purpose.
/// The message has the form "what failed 'object': reason", on one line, and can be shown as it is.
class SHARDLOG_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// An Error for a failed system call: "<what>: <strerror(error_number)>".
/// The code follows errno: not_found, permission, full (no space, or over a quota or limit), busy (no more descriptors,
/// memory or processes), and io for the rest.
SHARDLOG_API Error system_error(const std::string& what, int error_number);

}  // namespace shardlog
