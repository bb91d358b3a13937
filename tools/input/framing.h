#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// What counts as one record in the input.
struct Framing {
  enum class Kind {
    delimited,     ///< the bytes up to a delimiter or the end of the file
    whole,         ///< a file
    json,          ///< a line that is a JSON object
    frames,        ///< many records come in one frame: see core/frame.h
    csv,           ///< see csv.h
    record_start,  ///< a line that matches an expression, and the lines up to the next such line
  };

  Kind kind = Kind::delimited;
  std::string delimiter = "\n";
  bool bytes = false;                ///< of delimited records: the input is not text
  std::string record_start{};        ///< the expression
  std::string field_separator{};     ///< empty: runs of blanks, as awk has it; for CSV a comma
  bool header = false;               ///< of CSV: the first record of a file names the fields, and is not stored
  std::vector<std::string> names{};  ///< of fields that must be in the header

  /// Whether a byte order mark at the start of a file is not part of the first record.
  [[nodiscard]] bool text() const { return !bytes && kind != Kind::whole && kind != Kind::frames; }

  /// Whether each record is a line.
  [[nodiscard]] bool lines() const { return kind == Kind::delimited && delimiter == "\n"; }

  /// Whether records bring their own keys.
  [[nodiscard]] bool keyed() const { return kind == Kind::json || kind == Kind::frames; }

  /// REQUIRES: CSV
  [[nodiscard]] char csv_separator() const { return field_separator.empty() ? ',' : field_separator.front(); }

  /// A piece of the input, for messages: "line 3". `number` is the number of the line or record, counted from 1; for
  /// frames it is the offset of the byte, counted from 0.
  [[nodiscard]] std::string piece(std::uint64_t number) const;

  /// The same with the name of the input: "line 3 of 'app.log'".
  [[nodiscard]] std::string piece_of(const std::string& source, std::uint64_t number) const;
};

/// The byte order mark that some programs put at the start of a UTF-8 file (Unicode, section 23.8).
constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

/// The byte order mark at the start of a file; undecided while more bytes could complete or change it.
enum class Mark { none, utf8, utf16, utf32, undecided };

/// `ended`: `start` is the whole file.
Mark mark_of(std::string_view start, bool ended);

}  // namespace shardlog::cli
