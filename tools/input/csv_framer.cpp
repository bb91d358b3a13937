#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/nearest.h"
#include "tools/input/bound.h"
#include "tools/input/csv.h"

namespace shardlog::cli {

namespace {

class CsvFramer final : public Framer {
 public:
  CsvFramer(const Framing& framing, Bound bound)
      : framing_(framing),
        bound_(std::move(bound)),
        scanner_(framing.csv_separator()),
        header_is_next_(framing.header) {}

  void cut(Input& input, std::size_t /*count*/) override {
    const char* const end = input.buffer.data() + input.used;
    const char* start = input.buffer.data() + input.complete;
    const char* at = start + scanned_;
    while (const char* const line_feed = scanner_.find_end(at, end)) {
      end_record(input, {start, static_cast<std::size_t>(line_feed - start)});
      start = at = line_feed + 1;
    }
    keep_rest(input, {start, static_cast<std::size_t>(end - start)});
  }

  void end_file(Input& input) override {
    if (input.used > input.complete || dropping_) end_record(input, input.rest());
    input.used = input.complete;
    scanned_ = 0;
    scanner_.restart();
    line_ = 1;
    header_is_next_ = framing_.header;
  }

  [[nodiscard]] std::uint64_t line() const override { return line_; }

 private:
  /// REQUIRES: the scanner has come to the end of the record
  void end_record(Input& input, std::string_view record) {
    if (record.ends_with('\r')) record.remove_suffix(1);
    if (!std::exchange(dropping_, false)) {
      if (scanner_.fault() != nullptr) {
        refuse(input, scanner_.fault());
      } else if (record.size() > bound_.most) {
        refuse(input, bound_.message);
      } else if (!record.empty() && std::exchange(header_is_next_, false)) {
        take_header(input, record);
      } else if (!record.empty()) {
        input.add_piece(record);
        input.lines.push_back(line_);
      }
    }
    line_ += scanner_.line_feeds();
  }

  void take_header(Input& input, std::string_view header) {
    std::vector<std::string> names;
    CsvFields fields(header, framing_.csv_separator());
    while (const auto field = fields.next()) names.push_back(value_of(*field));
    input.fields.clear();
    for (const std::string& wanted : framing_.names) {
      const auto found = std::find(names.begin(), names.end(), wanted);
      if (found == names.end()) {
        throw Error(ErrorCode::malformed, fmt::format("--key-field {}: no field has that name{}", quote(wanted),
                                                      did_you_mean(wanted, names)));
      }
      input.fields.push_back(static_cast<std::uint32_t>(found - names.begin() + 1));
    }
  }

  /// Keeps nothing of a record that is too large. A record may have one byte more than the limit here, because a CR at
  /// its end may be part of the line end.
  void keep_rest(Input& input, std::string_view rest) {
    if (!dropping_ && rest.size() > bound_.most + 1) {
      refuse(input,
             scanner_.fault() == nullptr ? bound_.message : fmt::format("{}, or {}", bound_.message, scanner_.fault()));
      dropping_ = true;
    }
    if (dropping_) rest = {};
    input.keep(rest);
    scanned_ = rest.size();
  }

  /// A file whose header cannot be read cannot be read at all.
  void refuse(Input& input, const std::string& why) const {
    if (header_is_next_) throw Error(ErrorCode::malformed, "its header: " + why);
    bound_.refuse(input, why, line_);
  }

  Framing framing_;
  Bound bound_;
  CsvScanner scanner_;
  std::size_t scanned_ = 0;  ///< bytes of the unfinished record
  std::uint64_t line_ = 1;   ///< on which that record begins
  bool header_is_next_;
  bool dropping_ = false;  ///< the unfinished record was too large
};

}  // namespace

std::unique_ptr<Framer> make_csv_framer(const Framing& framing, Bound bound) {
  return std::make_unique<CsvFramer>(framing, std::move(bound));
}

}  // namespace shardlog::cli
