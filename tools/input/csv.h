#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// CSV as RFC 4180 has it: a field that begins with a quote goes on to the next quote that is not doubled, over
/// separators and line ends. In other fields quotes mean nothing. A record ends with LF or CR LF.
namespace shardlog::cli {

/// Finds the ends of records, in as many parts as they come.
class CsvScanner {
 public:
  explicit CsvScanner(char separator) : separator_(separator) {}

  /// Where the LF is that ends the record, nullptr where that is not in these bytes. They follow those of the call
  /// before; after an end a new record begins.
  const char* find_end(const char* at, const char* end);

  /// What is wrong with the record up to here if nothing follows, or that ended last; nullptr where it is right.
  [[nodiscard]] const char* fault() const;

  /// How many LF are in the record up to here, or in the one that ended last.
  [[nodiscard]] std::uint64_t line_feeds() const { return line_feeds_; }

  /// A new record begins.
  void restart();

 private:
  enum class State {
    field_start,
    plain,       ///< in a field without quotes
    quoted,      ///< in one with them
    closing,     ///< behind a quote in it, which may be the first of two
    closing_cr,  ///< behind a CR that follows the closing quote
    wrong        ///< behind anything else that follows it: the rest of the line is passed over
  };

  [[nodiscard]] State state_after(char byte) const;
  const char* end_at(const char* line_feed);

  char separator_;
  State state_ = State::field_start;
  bool ended_ = false;
  std::uint64_t line_feeds_ = 0;
};

/// The fields of a record that a CsvScanner found to be right, one after the other.
class CsvFields {
 public:
  CsvFields(std::string_view record, char separator) : rest_(record), separator_(separator) {}

  struct Field {
    std::string_view text;  ///< without the quotes around it
    bool doubled = false;   ///< quotes in it stand twice
  };

  /// Nothing behind the last.
  std::optional<Field> next();

 private:
  Field take_quoted();

  std::optional<std::string_view> rest_;
  char separator_;
};

/// What a field says.
std::string value_of(const CsvFields::Field& field);

}  // namespace shardlog::cli
