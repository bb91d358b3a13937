#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/bytes.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

/// A piece of the input that is left out. The pieces around it keep their numbers.
struct Hole {
  std::size_t before;  ///< how many pieces are before it in the buffer
  std::string why;
  std::uint64_t line = 0;  ///< on which it begins, as in Input::lines; 0 if pieces are counted instead of lines
};

/// What was read, and the pieces that were cut from it. Each piece is followed by a newline, whatever ended it in the
/// input; frames follow one another directly.
struct Input {
  Bytes buffer;              ///< json_padding bytes longer than what is read into it
  std::size_t used = 0;      ///< the end of what was read
  std::size_t complete = 0;  ///< the end of the complete pieces
  std::vector<std::uint32_t> lengths;
  std::vector<Hole> holes;
  std::vector<std::uint64_t> lines;   ///< of the file, on which the pieces begin; empty if pieces are counted
  std::vector<std::uint32_t> fields;  ///< of CSV: the numbers of Framing::names in this file, counted from 1

  /// What was read and is not yet part of a piece.
  [[nodiscard]] std::string_view rest() const { return {buffer.data() + complete, used - complete}; }

  /// Moves a piece that was read to the end of the complete ones, and adds its newline.
  /// REQUIRES: the byte after it is in the buffer and not part of another piece
  void add_piece(std::string_view piece);

  /// Moves the last bytes that were read to the end of the complete pieces, in place of everything there.
  void keep(std::string_view rest);
};

/// Cuts what is read into pieces. Each holds one record, or many if it is a frame.
class Framer {
 public:
  virtual ~Framer() = default;

  /// The last `count` bytes of what was read are new. Throws malformed if nothing after the complete pieces can be
  /// read.
  virtual void cut(Input& input, std::size_t count) = 0;

  /// The file has ended. Throws as cut().
  virtual void end_file(Input& input) = 0;

  /// Whether there is an open piece that could end here. Unless end_open_piece() is called, only more input ends it.
  [[nodiscard]] virtual bool may_end(const Input& /*input*/) const { return false; }

  /// Ends such a piece, even before an unfinished line.
  virtual void end_open_piece(Input& /*input*/) {}

  /// The line of the file on which the next piece begins; 0 if pieces are counted.
  [[nodiscard]] virtual std::uint64_t line() const { return 0; }
};

/// A piece over the maximum record size becomes a hole if `skip_errors`, and an error otherwise. At most about that
/// many bytes of a piece are held in memory.
std::unique_ptr<Framer> make_framer(const Framing& framing, std::uint64_t max_record_size, bool skip_errors);

/// Reads a whole file, wherever it is positioned, and cuts it into pieces. Calls `take` whenever the Input has complete
/// pieces, which are followed by json_padding readable bytes.
/// Throws io, malformed as the framer does, and malformed if the file is longer than `most` bytes.
void read_pieces(int file, std::uint64_t most, Framer& framer, const std::function<void(Input&)>& take);

}  // namespace shardlog::cli
