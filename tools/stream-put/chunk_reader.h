#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "tools/common/descriptor.h"
#include "tools/input/framer.h"
#include "tools/stream-put/options.h"
#include "tools/stream-put/read_times.h"

namespace shardlog::cli {

/// Pieces of the input that go through the program together.
struct Chunk {
  Input input;                    ///< only what is complete counts
  std::string source;             ///< name of the file, for messages
  std::uint64_t first = 1;        ///< number of the first piece: see Framing::piece()
  std::uint64_t input_bytes = 0;  ///< read since the last chunk
  std::uint64_t read = 0;         ///< bytes of all files that were read up to here
  ReadTimes reads{};              ///< when its pieces were complete, in their order
  std::optional<Error> error{};   ///< what ended the reading after these pieces
  std::uint64_t number = 0;       ///< of this chunk, counted from 0
  bool marked = false;            ///< a byte order mark was taken off the first piece
};

/// Counts the chunks on their way from the reader to the disk. While there are none, complete pieces are handed over at
/// once; otherwise the reader fills its chunk meanwhile.
class InFlight {
 public:
  void add() { ++count_; }
  void remove(std::size_t chunks) {
    if ((count_ -= chunks) == 0) none_left_.notify();
  }
  [[nodiscard]] bool none() const { return count_ == 0; }
  /// Whether there are others than these.
  [[nodiscard]] bool more_than(std::size_t chunks) const { return count_ > chunks; }

  /// Becomes readable when the last chunk is stored.
  [[nodiscard]] int descriptor() const { return none_left_.get(); }
  void drain() const { none_left_.drain(); }

 private:
  std::atomic<std::size_t> count_ = 0;
  EventDescriptor none_left_;
};

constexpr std::size_t usual_chunk_size = 1024UL * 1024;

/// The size of the command's chunks. Each takes that much memory, even for one small file.
std::size_t chunk_size_of(const PutCommand& command);

/// Reads the command's files in turn and cuts them into chunks of complete pieces. Returns true after the end of the
/// last file. Returns false after an error, which is handed over with the pieces before it, and after `hand_over` has
/// returned false. Also returns false if `stop` is requested: then the complete pieces are handed over, but not an
/// unfinished one.
bool read_chunks(const PutCommand& command, std::uint64_t max_record_size, const Clock& clock, InFlight& in_flight,
                 const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over);

}  // namespace shardlog::cli
