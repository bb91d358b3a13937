#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// What becomes of a record with which the command fails however often it is tried.
enum class OnFailure { stop, skip, dead_letter };

/// The options about consumers and their commands. All of them need a name.
struct ConsumerOptions {
  std::optional<std::string> name;
  std::optional<std::string> worker;  ///< nothing: by host and pid
  std::uint64_t workers = 1;
  Duration lease_duration = std::chrono::seconds(10);
  bool no_checkpoint = false;  ///< only look

  std::optional<std::string> exec;  ///< nothing: the records are printed
  std::uint64_t batch_records = 1000;
  std::optional<std::uint64_t> batch_bytes;  ///< nothing: 1 MiB
  Duration batch_wait{0};
  std::uint64_t retries = 3;
  OnFailure on_failure = OnFailure::stop;
  std::string dead_letters;         ///< the stream for OnFailure::dead_letter
  std::optional<std::string> into;  ///< the stream that gets what the command prints

  std::optional<std::string> seek;  ///< set the checkpoints to this position and do nothing else
  bool make = false;                ///< the consumer that seek is of, where it is not there
  bool forget = false;              ///< remove the consumer and do nothing else
  bool force = false;               ///< also where a live worker holds leases
};

}  // namespace shardlog::cli
