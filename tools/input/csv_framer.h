#pragma once

#include "tools/input/bound.h"
#include "tools/input/csv.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

/// Cuts CSV into records, each without the line end behind it. An empty line is none: a record of one empty field has
/// quotes.
class CsvFramer final : public Framer {
 public:
  CsvFramer(const Framing& framing, Bound bound);

  void cut(Input& input, std::size_t count) override;
  void end_file(Input& input) override;
  [[nodiscard]] std::uint64_t line() const override { return line_; }

 private:
  void end_record(Input& input, const char* start, std::size_t size);
  void take_header(Input& input, std::string_view header);
  void keep_rest(Input& input, std::string_view rest);
  void refuse(Input& input, const std::string& why);

  Framing framing_;
  Bound bound_;
  CsvScanner scanner_;
  std::size_t scanned_ = 0;  ///< of the record that has not ended
  std::uint64_t line_ = 1;   ///< on which that begins
  bool header_is_next_;
  bool dropping_ = false;  ///< it was found to be too large
};

}  // namespace shardlog::cli
