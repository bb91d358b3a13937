#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/core/bytes.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "tools/common/event_descriptor.h"

namespace shardlog::cli {

/// What is wrong with the input. Not an exception yet: it goes from thread to thread behind the records before it.
struct InputError {
  ErrorCode code;
  std::string message;
};

/// Complete lines as they were read: the data of each followed by a newline.
struct Chunk {
  Bytes buffer;
  std::size_t size = 0;
  std::vector<std::uint32_t> lengths;  ///< of each line, without its newline
  std::string source;                  ///< what was read, for messages
  std::uint64_t first_line = 1;        ///< the number of the first line in that source
  std::optional<InputError> error{};   ///< what ended the reading behind these lines

  [[nodiscard]] std::string_view lines() const { return {buffer.data(), size}; }
};

/// How many chunks are on their way from the reader to the disk. While there are none, whatever is complete is handed
/// over at once; while there are some, the reader fills its chunk.
class InFlight {
 public:
  void add() { ++count_; }
  void remove(std::size_t chunks);
  [[nodiscard]] bool none() const { return count_ == 0; }

  /// Becomes readable when the last one has arrived.
  [[nodiscard]] int descriptor() const { return none_left_.get(); }
  void drain() const { none_left_.drain(); }

 private:
  std::atomic<std::size_t> count_ = 0;
  EventDescriptor none_left_;
};

struct ReadLimits {
  std::uint64_t max_record_size;
  Duration linger;
};

/// Reads files one after the other, "-" being standard input, and cuts them into chunks of complete lines. The end of a
/// file ends a line. Returns when all is read, when `stop` is requested (what is complete is handed over, an unfinished
/// line is not), or when `hand_over` returns false. Errors are handed over behind the lines before them.
void read_chunks(const std::vector<std::string>& files, const ReadLimits& limits, const Clock& clock,
                 InFlight& in_flight, const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over);

}  // namespace shardlog::cli
