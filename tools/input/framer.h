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
  std::uint64_t line = 0;  ///< where it begins, as Input::lines; 0 where pieces are counted
};

/// What was read, and how much of it is cut into pieces: each followed by a newline, whatever ended it in the input,
/// but for frames, which stand one behind the other.
struct Input {
  Bytes buffer;              ///< json_padding bytes longer than what is read into it
  std::size_t used = 0;      ///< up to here it was read
  std::size_t complete = 0;  ///< up to here these are complete pieces
  std::vector<std::uint32_t> lengths;
  std::vector<Hole> holes;
  std::vector<std::uint64_t> lines;   ///< of the file on which the pieces begin; none where pieces are counted
  std::vector<std::uint32_t> fields;  ///< of CSV: which fields have Framing::names in this file, counted from 1
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

  /// Whether there is a piece that ends only when more comes, and could end here.
  [[nodiscard]] virtual bool may_end(const Input& /*input*/) const { return false; }

  /// Ends such a piece, also before an unfinished line.
  virtual void end_open_piece(Input& /*input*/) {}

  /// The line of the file on which the next piece begins; 0 where pieces are counted.
  [[nodiscard]] virtual std::uint64_t line() const { return 0; }
};

/// A piece that is too large for a stream's maximum record size is an error, or a hole where `skip_errors`; no more of
/// it is held than that.
std::unique_ptr<Framer> make_framer(const Framing& framing, std::uint64_t max_record_size, bool skip_errors);

}  // namespace shardlog::cli
