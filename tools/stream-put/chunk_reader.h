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
#include "tools/common/descriptor.h"
#include "tools/input/framer.h"
#include "tools/stream-put/encoded.h"

namespace shardlog::cli {

/// Complete pieces of the input, as in Input.
struct Chunk {
  Bytes buffer;
  std::size_t size = 0;
  std::vector<std::uint32_t> lengths;
  std::vector<Hole> holes;
  std::vector<std::uint64_t> lines;   ///< as Input has them
  std::vector<std::uint32_t> fields;  ///< likewise
  std::string source;                 ///< what was read, for messages
  std::uint64_t first = 1;            ///< the number of its first piece, as Framing::place() takes it
  std::uint64_t input_bytes = 0;      ///< that were read for it
  std::uint64_t read = 0;             ///< how many bytes of all files were read up to here
  std::optional<InputError> error{};  ///< what ended the reading behind these pieces
  std::uint64_t number = 0;           ///< its place among the chunks, from 0
  bool marked = false;                ///< a byte order mark was taken off the first piece
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

/// A usual chunk. What it takes of memory is the same for one small file.
constexpr std::size_t usual_chunk_size = 1024UL * 1024;

struct ReadRules {
  Framing framing;
  std::uint64_t max_record_size;
  bool skip_errors;
  Duration linger;
  bool ends_by_silence;  ///< a piece that only more input would end is ended by a second without any, and by a stop
  std::size_t chunk_size = usual_chunk_size;
};

/// Reads files one after the other, "-" being standard input, and cuts them into chunks of complete pieces. Returns
/// true when all is read, and false when `stop` is requested (what is complete is handed over, an unfinished piece is
/// not), when `hand_over` returns false, and after an error, which is handed over behind the pieces before it.
bool read_chunks(const std::vector<std::string>& files, const ReadRules& rules, const Clock& clock, InFlight& in_flight,
                 const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over);

}  // namespace shardlog::cli
