#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog {

/// Creates, opens, lists and removes the streams of one kind of storage.
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

  /// The addresses of the streams below `address`, in the order of their names. Throws not_found, permission, io.
  virtual std::vector<std::string> list(const std::string& address) = 0;

  /// Deletes the stream: from then on every process that has it open gets not_found. Deletes streams that open()
  /// refuses too. Throws not_found, busy, permission, io, and cannot_create if other things are kept in the same place.
  virtual void remove(const std::string& address, const OpenOptions& options, const Clock& clock) = 0;
};

}  // namespace shardlog
