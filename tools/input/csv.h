#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// CSV (RFC 4180). A field that begins with a quote ends at the next quote that is not doubled; separators and line
/// ends before that are data. In other fields quotes mean nothing. A record ends with LF or CR LF.
namespace shardlog::cli {

/// Finds the ends of records, which may come in any number of parts.
class CsvScanner {
 public:
  explicit CsvScanner(char separator) : separator_(separator) {}

  /// The LF that ends the record, or nullptr if it is not in these bytes, which follow those of the last call. After an
  /// end a new record begins.
  const char* find_end(const char* at, const char* end);

  /// What is wrong with the record that has just ended, or with the unfinished one if it ended here; nullptr if it is
  /// right.
  [[nodiscard]] const char* fault() const;

  /// The number of LF in the record that has just ended, or so far in the unfinished one.
  [[nodiscard]] std::uint64_t line_feeds() const { return line_feeds_; }

  /// A new record begins.
  void restart();

 private:
  enum class State {
    field_start,
    plain,       ///< in a field without quotes
    quoted,      ///< in a field with quotes
    closing,     ///< after a quote in it, which may be the first of two
    closing_cr,  ///< after a CR that follows the closing quote
    wrong        ///< after anything else that follows the closing quote: the rest of the line is passed over
  };

  [[nodiscard]] State state_after(char byte) const;
  const char* end_at(const char* line_feed);

  char separator_;
  State state_ = State::field_start;
  bool ended_ = false;
  std::uint64_t line_feeds_ = 0;
};

/// The fields of a record that a CsvScanner found to be right.
class CsvFields {
 public:
  CsvFields(std::string_view record, char separator) : rest_(record), separator_(separator) {}

  struct Field {
    std::string_view text;  ///< without the quotes around it
    bool doubled = false;   ///< there are quotes in it, and each is doubled
  };

  /// The next field; nullopt after the last one.
  std::optional<Field> next();

 private:
  Field take_quoted();

  std::optional<std::string_view> rest_;
  char separator_;
};

/// The field with its doubled quotes made single.
std::string value_of(const CsvFields::Field& field);

}  // namespace shardlog::cli
