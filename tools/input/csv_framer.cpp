#include "tools/input/csv_framer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/nearest.h"
#include "shardlog/core/printable.h"

namespace shardlog::cli {

CsvFramer::CsvFramer(const Framing& framing, Bound bound)
    : framing_(framing), bound_(std::move(bound)), scanner_(framing.csv_separator()), header_is_next_(framing.header) {}

void CsvFramer::cut(Input& input, std::size_t /*count*/) {
  const char* const end = input.buffer.data() + input.used;
  const char* start = input.buffer.data() + input.complete;
  const char* at = start + scanned_;
  while (const char* const line_feed = scanner_.find_end(at, end)) {
    end_record(input, start, static_cast<std::size_t>(line_feed - start));
    start = at = line_feed + 1;
  }
  keep_rest(input, {start, static_cast<std::size_t>(end - start)});
}

void CsvFramer::end_file(Input& input) {
  const std::size_t rest = input.used - input.complete;
  if (rest > 0 || dropping_) end_record(input, input.buffer.data() + input.complete, rest);
  input.used = input.complete;
  scanned_ = 0;
  scanner_.restart();
  line_ = 1;
  header_is_next_ = framing_.header;
}

/// What is read up to its end is scanned.
void CsvFramer::end_record(Input& input, const char* start, std::size_t size) {
  if (size > 0 && start[size - 1] == '\r') --size;
  if (!std::exchange(dropping_, false)) {
    if (scanner_.fault() != nullptr) {
      refuse(input, scanner_.fault());
    } else if (size > bound_.most()) {
      refuse(input, bound_.message());
    } else if (size > 0 && std::exchange(header_is_next_, false)) {
      take_header(input, {start, size});
    } else if (size > 0) {
      add_piece(input, start, size);
      input.lines.push_back(line_);
    }
  }
  line_ += scanner_.line_feeds();
}

void CsvFramer::take_header(Input& input, std::string_view header) {
  std::vector<std::string> names;
  CsvFields fields(header, framing_.csv_separator());
  while (const auto field = fields.next()) names.push_back(value_of(*field));
  input.fields.clear();
  for (const std::string& wanted : framing_.names) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      throw Error(ErrorCode::malformed,
                  fmt::format("--key-field {}: no field has that name{}", quote(wanted), did_you_mean(wanted, names)));
    }
    input.fields.push_back(static_cast<std::uint32_t>(found - names.begin() + 1));
  }
}

/// Of a record that is too large nothing is kept but a CR, which may be part of its end.
void CsvFramer::keep_rest(Input& input, std::string_view rest) {
  if (!dropping_ && rest.size() > bound_.most() + 1) {
    refuse(input, scanner_.fault() == nullptr ? bound_.message()
                                              : fmt::format("{}, or {}", bound_.message(), scanner_.fault()));
    dropping_ = true;
  }
  if (dropping_) rest = {};
  char* const to = input.buffer.data() + input.complete;
  if (to != rest.data() && !rest.empty()) std::memmove(to, rest.data(), rest.size());
  input.used = input.complete + rest.size();
  scanned_ = rest.size();
}

/// Without its header nothing is known of a file.
void CsvFramer::refuse(Input& input, const std::string& why) {
  if (header_is_next_) throw Error(ErrorCode::malformed, "its header: " + why);
  bound_.refuse(input, line_, why);
}

}  // namespace shardlog::cli
