#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog {

/// One way to keep streams.
class SHARDLOG_API Engine {
 public:
  virtual ~Engine() = default;

  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

  /// Creates the stream at an address. It appears complete or not at all.
  /// Throws exists, cannot_create, permission, usage (bad name or settings), io.
  virtual void create(const std::string& address, const CreateOptions& options, const Clock& clock) = 0;

  /// Opens the stream at an address. `clock` must outlive it.
  /// Throws not_found, unsupported (newer), corrupt, permission, busy, usage, io.
  virtual std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) = 0;

  /// The addresses of the streams below another address, in the order of their names. Throws not_found, permission, io.
  virtual std::vector<std::string> list(const std::string& address) = 0;

  /// Deletes the stream: whoever has it open is told not_found from then on. It need not be one that open() accepts.
  /// Throws not_found, busy, permission, io, and cannot_create where other things are kept in the same place.
  virtual void remove(const std::string& address, const OpenOptions& options, const Clock& clock) = 0;
};

}  // namespace shardlog
