#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shardlog::cli {

/// What in the input is one record.
struct Framing {
  enum class Kind {
    delimited,     ///< up to a delimiter or the end of the file
    whole,         ///< a file
    json,          ///< a line is a JSON object that holds one
    frames,        ///< core/frame.h: a frame holds many
    csv,           ///< csv.h
    record_start,  ///< lines, the first of which matches an expression
  };

  Kind kind = Kind::delimited;
  std::string delimiter = "\n";
  bool bytes = false;                ///< of delimited ones: the input is not taken for text
  std::string record_start{};        ///< that expression
  std::string field_separator{};     ///< empty: runs of blanks, as awk; of CSV a comma
  bool header = false;               ///< of CSV: the first record of a file names its fields, and is not one
  std::vector<std::string> names{};  ///< of fields that are looked for there

  /// Whether a byte order mark at the start of a file is not part of the first record.
  [[nodiscard]] bool text() const { return !bytes && kind != Kind::whole && kind != Kind::frames; }

  /// Whether records bring their own keys.
  [[nodiscard]] bool keyed() const { return kind == Kind::json || kind == Kind::frames; }

  /// REQUIRES: CSV
  [[nodiscard]] char csv_separator() const { return field_separator.empty() ? ',' : field_separator.front(); }

  /// For messages: which piece of the input something is, "line 3". `number` is the byte of frames, counted from 0, and
  /// that of the line or record otherwise, counted from 1.
  [[nodiscard]] std::string piece(std::uint64_t number) const;

  /// And of what input: "line 3 of 'app.log'".
  [[nodiscard]] std::string place(std::uint64_t number, const std::string& source) const;
};

}  // namespace shardlog::cli
