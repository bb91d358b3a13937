#pragma once

#include <string>

#include "tools/stream-get/batch_renderer.h"

namespace shardlog::cli {

/// How a command has failed.
struct Failure {
  int exit_status = 0;
  std::string message;  ///< the last line on its standard error, or what is wrong with its output
};

/// Makes what is put into the stream for dead letters: the object that --json prints, with the members exit_status and
/// stderr.
class DeadLetters {
 public:
  explicit DeadLetters(const std::string& stream_uuid);

  /// Of a batch of one record. With its key and explicit hash key; valid until the next call, and as long as the batch.
  Record make(const consuming::Batch& batch, const Failure& failure);

 private:
  BatchRenderer renderer_;
  std::string object_;
};

}  // namespace shardlog::cli
