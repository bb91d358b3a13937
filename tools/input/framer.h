#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shardlog/core/bytes.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

/// A piece of the input that is left out, with those before and behind it in their places.
struct Hole {
  std::size_t before;  ///< how many pieces are before it in the buffer
  std::string why;
};

/// What was read, and how much of it is cut into pieces: each followed by a newline, whatever ended it in the input,
/// but for frames, which stand one behind the other.
struct Input {
  Bytes buffer;              ///< json_padding bytes longer than what is read into it
  std::size_t used = 0;      ///< up to here it was read
  std::size_t complete = 0;  ///< up to here these are complete pieces
  std::vector<std::uint32_t> lengths;
  std::vector<Hole> holes;
};

/// Cuts what is read into pieces, each with one record or, of frames, with many.
class Framer {
 public:
  virtual ~Framer() = default;

  /// To be called when the last `count` bytes of what is used are new. Throws malformed where nothing behind the
  /// complete pieces can be read.
  virtual void cut(Input& input, std::size_t count) = 0;

  /// The file has ended. Throws as cut().
  virtual void end_file(Input& input) = 0;
};

/// A piece that is too large for a stream's maximum record size is an error, or a hole where `skip_errors`; no more of
/// it is held than that.
std::unique_ptr<Framer> make_framer(const Framing& framing, std::uint64_t max_record_size, bool skip_errors);

}  // namespace shardlog::cli
