#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "tools/input/csv.h"

// Bytes that are cut into records of CSV, at once and byte by byte, and the records into fields.
namespace shardlog::fuzz {
namespace {

struct FoundRecord {
  std::string text;
  bool right;
  std::uint64_t line_feeds;

  friend bool operator==(const FoundRecord&, const FoundRecord&) = default;
};

/// The records that end, found in parts of this size.
std::vector<FoundRecord> records_of(std::string_view text, std::size_t part) {
  std::vector<FoundRecord> records;
  cli::CsvScanner scanner(',');
  const char* const end = text.data() + text.size();
  const char* start = text.data();
  for (const char* at = start; at != end;) {
    const char* const stop = at + std::min(part, static_cast<std::size_t>(end - at));
    const char* const found = scanner.find_end(at, stop);
    at = found == nullptr ? stop : found + 1;
    if (found == nullptr) continue;
    require(found < stop && *found == '\n', "a record ends with a line feed");
    records.push_back({std::string(start, found), scanner.fault() == nullptr, scanner.line_feeds()});
    start = found + 1;
  }
  return records;
}

/// The fields as they stand in the record, put together again.
std::string written(std::string_view record) {
  std::string text;
  cli::CsvFields fields(record, ',');
  bool first = true;
  while (const auto field = fields.next()) {
    if (!first) text += ',';
    first = false;
    const bool quoted =
        field->text.data() != record.data() && field->text.data()[-1] == '"' && record[text.size()] == '"';
    text += quoted ? '"' + std::string(field->text) + '"' : std::string(field->text);
    require(cli::value_of(*field).size() <= field->text.size(), "a value is no longer than its field");
  }
  return text;
}

void check_records(std::string_view text) {
  const auto records = records_of(text, text.size());
  require(records_of(text, 1) == records, "how the bytes come does not matter");
  require(records_of(text, 7) == records, "how the bytes come does not matter");
  std::string again;
  for (const FoundRecord& record : records) {
    again += record.text + '\n';
    const auto feeds = static_cast<std::uint64_t>(std::count(record.text.begin(), record.text.end(), '\n')) + 1;
    require(record.line_feeds == feeds, "line feeds are counted");
    require(records_of(record.text + '\n', 5) == std::vector{record}, "a record alone is the same record");
    std::string_view line = record.text;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (record.right) require(written(line) == line, "the fields are the whole record");
  }
  require(text.starts_with(again), "no byte is lost");
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shardlog::fuzz::check_records(shardlog::fuzz::text_of(data, size));
  return 0;
}
