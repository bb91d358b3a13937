#include "tools/stream-put/key_source.h"

#include <fmt/format.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "shardlog/core/utf8.h"
#include "tools/common/expression.h"
#include "tools/common/json_reader.h"
#include "tools/common/option_table.h"
#include "tools/input/csv.h"

namespace shardlog::cli {

namespace {

/// Fields between separators, empty ones among them; a record without a separator is one field. An empty field is none.
class SeparatedField final : public KeySource {
 public:
  SeparatedField(std::uint32_t number, std::string separator) : number_(number), separator_(std::move(separator)) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    for (std::uint32_t field = 1;; ++field) {
      const std::size_t end = data.find(separator_);
      if (field == number_) return present(data.substr(0, end));
      if (end == std::string_view::npos) return std::nullopt;
      data.remove_prefix(end + separator_.size());
    }
  }

  [[nodiscard]] std::string notice() const override {
    const bool meant_to_be_csv = quoted_ && separator_.size() == 1 && separator_ != "\"";
    return meant_to_be_csv ? "--key-field: there are fields with quotes around them; --csv reads those" : "";
  }

 private:
  std::optional<std::string_view> present(std::string_view field) {
    if (field.empty()) return std::nullopt;
    if (field.front() == '"' || field.back() == '"') quoted_ = true;
    return field;
  }

  std::uint32_t number_;
  std::string separator_;
  bool quoted_ = false;  ///< one of the fields begins or ends with a quote
};

/// The fields of CSV, without their quotes. An empty field is none.
class CsvField final : public KeySource {
 public:
  CsvField(const KeyPlace& place, char separator) : place_(place), number_(place.field), separator_(separator) {}

  void use_fields(std::span<const std::uint32_t> numbers) override {
    if (place_.field == 0 && place_.name < numbers.size()) number_ = numbers[place_.name];
  }

  std::optional<std::string_view> key_of(std::string_view data) override {
    CsvFields fields(data, separator_);
    auto field = fields.next();
    for (std::uint32_t at = 1; field && at < number_; ++at) field = fields.next();
    if (!field || field->text.empty()) return std::nullopt;
    return field->doubled ? values_.emplace_back(value_of(*field)) : field->text;
  }

  void release() override { values_.clear(); }

 private:
  KeyPlace place_;
  std::uint32_t number_;
  char separator_;
  std::deque<std::string> values_;  ///< of fields with quotes in them
};

/// Fields between runs of blanks and tabs, those at the start and the end not counted.
class BlankSeparatedField final : public KeySource {
 public:
  explicit BlankSeparatedField(std::uint32_t number) : number_(number) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    constexpr std::string_view blanks = " \t";
    for (std::uint32_t field = 1;; ++field) {
      const std::size_t start = data.find_first_not_of(blanks);
      if (start == std::string_view::npos) return std::nullopt;
      data.remove_prefix(start);
      const std::size_t end = data.find_first_of(blanks);
      if (field == number_) return data.substr(0, end);
      if (end == std::string_view::npos) return std::nullopt;
      data.remove_prefix(end);
    }
  }

 private:
  std::uint32_t number_;
};

class RegexKey final : public KeySource {
 public:
  explicit RegexKey(const std::string& expression) : expression_("--key-regex", expression) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    const auto match = expression_.match(data);
    return match && match->empty() ? std::nullopt : match;
  }

 private:
  Expression expression_;
};

/// What stands before a delimiter. Both are taken off, so that the rest is the data.
class KeyBefore final : public KeySource {
 public:
  explicit KeyBefore(std::string delimiter) : delimiter_(std::move(delimiter)) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    const std::size_t end = data.find(delimiter_);
    if (end == std::string_view::npos) return std::nullopt;
    taken_off_ = end + delimiter_.size();
    return data.substr(0, end);
  }

  [[nodiscard]] std::size_t taken_off() const override { return taken_off_; }

 private:
  std::string delimiter_;
  std::size_t taken_off_ = 0;
};

/// What a JSON pointer leads to: the text of a string, or a number, true or false as it stands.
class JsonKey final : public KeySource {
 public:
  explicit JsonKey(const std::string& pointer) : name_(quote(pointer)), reader_({pointer_of(pointer)}) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    const std::optional<JsonValue>& value = reader_.read(data).front();
    found_ = value ? value->kind : JsonValue::Kind::null;
    if (!is_text(found_)) return std::nullopt;
    if (value->text.data() == value->raw.data()) return value->text;
    return unescaped_.emplace_back(value->text);
  }

  [[nodiscard]] std::optional<std::string> why_none() const override {
    if (found_ == JsonValue::Kind::null) return std::nullopt;
    const char* const what =
        found_ == JsonValue::Kind::unpaired ? "has half of a surrogate pair" : "is an object or array";
    return fmt::format("{} {}, and not a partition key", name_, what);
  }

  void release() override { unescaped_.clear(); }

 private:
  static bool is_text(JsonValue::Kind kind) {
    return kind == JsonValue::Kind::string || kind == JsonValue::Kind::number || kind == JsonValue::Kind::boolean;
  }

  static JsonPointer pointer_of(const std::string& text) {
    auto pointer = parse_json_pointer(text);
    if (pointer) return std::move(*pointer);
    throw Error(
        ErrorCode::usage,
        fmt::format("--key-json {}: a JSON pointer is names with a slash before each, ~1 for a slash in a name, "
                    "~0 for a ~: /customer/id",
                    quote(text)));
  }

  std::string name_;
  JsonReader reader_;
  JsonValue::Kind found_ = JsonValue::Kind::null;
  std::deque<std::string> unescaped_;
};

std::unique_ptr<KeySource> make_source(const KeyPlace& place, const Framing& framing) {
  switch (place.kind) {
    case KeyPlace::Kind::pointer:
      return std::make_unique<JsonKey>(place.text);
    case KeyPlace::Kind::regex:
      return std::make_unique<RegexKey>(place.text);
    case KeyPlace::Kind::delimiter:
      return std::make_unique<KeyBefore>(place.text);
    case KeyPlace::Kind::field:
      break;
  }
  if (framing.kind == Framing::Kind::csv) return std::make_unique<CsvField>(place, framing.csv_separator());
  if (framing.field_separator.empty()) return std::make_unique<BlankSeparatedField>(place.field);
  return std::make_unique<SeparatedField>(place.field, framing.field_separator);
}

/// Most keys are, and are found to be usable quickly.
bool is_plain(std::string_view key) {
  return !key.empty() && key.size() <= max_partition_key_characters && is_ascii(key);
}

}  // namespace

KeyFinder::KeyFinder(const KeyOptions& options, const Framing& framing)
    : constant_(options.constant), missing_(options.missing.value_or("error")) {
  if (options.missing) check_key(*options.missing, "--missing-key");
  if (constant_) check_key(*constant_, "--key");
  for (const KeyPlace& place : options.places) sources_.push_back(make_source(place, framing));
}

void KeyFinder::find(Record& record) {
  if (constant_) {
    record.key = *constant_;
  } else if (!sources_.empty()) {
    find_in_data(record);
  }
}

void KeyFinder::find_in_data(Record& record) {
  std::optional<std::string> why;
  for (const auto& source : sources_) {
    const auto key = source->key_of(record.data);
    if (!key) {
      if (auto reason = source->why_none()) why = std::move(reason);
      continue;
    }
    const auto fault = is_plain(*key) ? std::nullopt : fault_of_key(*key);
    if (!fault || key->empty()) record.data.remove_prefix(source->taken_off());  // no byte is lost
    if (!fault) {
      record.key = key;
      return;
    }
    why = "its partition key " + *fault;
  }
  if (missing_ == "error") {
    throw Error(ErrorCode::malformed, why.value_or("no partition key") + " (--missing-key none|KEY takes it)");
  }
  if (missing_ != "none") record.key = missing_;
}

void KeyFinder::use_fields(std::span<const std::uint32_t> numbers) {
  for (const auto& source : sources_) source->use_fields(numbers);
}

std::string KeyFinder::notice() const {
  for (const auto& source : sources_) {
    if (std::string notice = source->notice(); !notice.empty()) return notice;
  }
  return {};
}

void KeyFinder::release() {
  for (const auto& source : sources_) source->release();
}

}  // namespace shardlog::cli
