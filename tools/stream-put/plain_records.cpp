#include "tools/stream-put/plain_records.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/utf8.h"
#include "tools/common/expression.h"
#include "tools/common/json_key.h"
#include "tools/common/option_table.h"
#include "tools/common/scan.h"
#include "tools/input/csv.h"

namespace shardlog::cli {

namespace {

/// Texts that keys borrow from and that are not in the data. They stay where they are when others are added.
class MadeTexts {
 public:
  std::string_view add(std::string_view text) {
    if (text.empty()) return {};
    char* const copy = static_cast<char*>(memory_.allocate(text.size(), alignof(char)));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  void clear() { memory_.release(); }

 private:
  std::pmr::monotonic_buffer_resource memory_;
};

/// Finds the partition key in one field of a record's data. For one thread at a time.
class KeyFinder {
 public:
  virtual ~KeyFinder() = default;

  /// The text of the field, which need not be usable as a key. It borrows from `data` or is added to `made`. Nothing if
  /// the record has no such field. Throws malformed if the data cannot have fields of this kind.
  /// REQUIRES: json_padding readable bytes after `data`
  virtual std::optional<std::string_view> key_of(std::string_view data, MadeTexts& made) = 0;

  /// The number of bytes at the start of the data that hold what key_of() found, and are not stored.
  [[nodiscard]] virtual std::size_t taken_off() const { return 0; }

  /// As in RecordSource.
  virtual void expect(std::string_view /*pieces*/) {}
  virtual void use_fields(std::span<const std::uint32_t> /*numbers*/) {}
  [[nodiscard]] virtual std::string notice() const { return {}; }

  /// Why key_of() found nothing, if there is more to say.
  [[nodiscard]] virtual std::optional<std::string> why_none() const { return std::nullopt; }
};

/// A field between separators. It may be empty, which is not a key. A record without a separator is one field.
class SeparatedField final : public KeyFinder {
 public:
  SeparatedField(std::uint32_t number, std::string separator) : number_(number), separator_(std::move(separator)) {}

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& /*made*/) override {
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

/// A field of CSV, without its quotes. An empty field is not a key.
class CsvField final : public KeyFinder {
 public:
  CsvField(const KeyField& field, char separator) : field_(field), number_(field.number), separator_(separator) {}

  void use_fields(std::span<const std::uint32_t> numbers) override {
    if (field_.number == 0 && field_.name < numbers.size()) number_ = numbers[field_.name];
  }

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& made) override {
    CsvFields fields(data, separator_);
    auto field = fields.next();
    for (std::uint32_t at = 1; field && at < number_; ++at) field = fields.next();
    if (!field || field->text.empty()) return std::nullopt;
    return field->doubled ? made.add(value_of(*field)) : field->text;
  }

 private:
  KeyField field_;
  std::uint32_t number_;
  char separator_;
};

/// A field between runs of blanks and tabs. Blanks at the start and the end of a record mean nothing.
class BlankSeparatedField final : public KeyFinder {
 public:
  explicit BlankSeparatedField(std::uint32_t number) : number_(number) {}

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& /*made*/) override {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    for (std::uint32_t field = 1;; ++field) {
      take_while(data, is_blank);
      if (data.empty()) return std::nullopt;
      const std::string_view text = take_while(data, std::not_fn(is_blank));
      if (field == number_) return text;
    }
  }

 private:
  std::uint32_t number_;
};

class RegexKey final : public KeyFinder {
 public:
  explicit RegexKey(const std::string& expression) : expression_("--key-regex", expression) {}

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& /*made*/) override {
    const auto match = expression_.match(data);
    return match && match->empty() ? std::nullopt : match;
  }

 private:
  Expression expression_;
};

/// The text before a delimiter. Both are taken off, and the rest is the data.
class KeyBefore final : public KeyFinder {
 public:
  explicit KeyBefore(std::string delimiter) : delimiter_(std::move(delimiter)) {}

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& /*made*/) override {
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

/// The value that a JSON pointer leads to: the text of a string, or a number, true or false as written.
class KeyInJson final : public KeyFinder {
 public:
  KeyInJson(const std::string& pointer, const Framing& framing)
      : name_(quote(pointer)), key_(pointer_of(pointer)), in_lines_(framing.lines()) {}

  void expect(std::string_view pieces) override {
    if (in_lines_) key_.expect(pieces);
  }

  std::optional<std::string_view> key_of(std::string_view data, MadeTexts& made) override {
    const auto value = key_.read(data);
    found_ = value ? value->kind : JsonValue::Kind::null;
    return is_text(found_) ? std::optional(made.add(value->text)) : std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> why_none() const override {
    if (found_ == JsonValue::Kind::null) return std::nullopt;
    const char* const what =
        found_ == JsonValue::Kind::unpaired ? "has half of a surrogate pair" : "is an object or array";
    return fmt::format("{} {}, and not a partition key", name_, what);
  }

 private:
  static bool is_text(JsonValue::Kind kind) {
    return kind == JsonValue::Kind::string || kind == JsonValue::Kind::number || kind == JsonValue::Kind::boolean;
  }

  static JsonPointer pointer_of(const std::string& text) {
    auto pointer = parse_json_pointer(text);
    if (pointer) return std::move(*pointer);
    throw Error(ErrorCode::usage,
                fmt::format("--key-json {}: not a JSON pointer such as /customer/id: each name has a slash before it; "
                            "in a name, write ~1 for a slash and ~0 for a tilde",
                            quote(text)));
  }

  std::string name_;
  JsonKey key_;
  bool in_lines_;
  JsonValue::Kind found_ = JsonValue::Kind::null;
};

std::unique_ptr<KeyFinder> make_finder(const KeyField& field, const Framing& framing) {
  switch (field.kind) {
    case KeyField::Kind::pointer:
      return std::make_unique<KeyInJson>(field.text, framing);
    case KeyField::Kind::regex:
      return std::make_unique<RegexKey>(field.text);
    case KeyField::Kind::delimiter:
      return std::make_unique<KeyBefore>(field.text);
    case KeyField::Kind::separated:
      break;
  }
  if (framing.kind == Framing::Kind::csv) return std::make_unique<CsvField>(field, framing.csv_separator());
  if (framing.field_separator.empty()) return std::make_unique<BlankSeparatedField>(field.number);
  return std::make_unique<SeparatedField>(field.number, framing.field_separator);
}

/// A quick test that most usable keys pass.
bool is_plain(std::string_view key) {
  return !key.empty() && key.size() <= max_partition_key_characters && is_ascii(key);
}

class PlainRecords final : public RecordSource {
 public:
  PlainRecords(const KeyOptions& options, const Framing& framing)
      : constant_(options.constant), missing_(options.missing.value_or("error")), hash_key_(options.hash_key) {
    if (options.missing) check_key(*options.missing, "--missing-key");
    if (constant_) check_key(*constant_, "--key");
    for (const KeyField& field : options.fields) finders_.push_back(make_finder(field, framing));
  }

  void read(std::span<char> piece, const Take& take) override {
    Record record{{piece.data(), piece.size()}, std::nullopt, hash_key_};
    if (constant_) {
      record.key = *constant_;
    } else if (!finders_.empty()) {
      find_key(record);
    }
    take(record, nullptr);
  }

  void expect(std::string_view pieces) override {
    for (const auto& finder : finders_) finder->expect(pieces);
  }

  void use_fields(std::span<const std::uint32_t> numbers) override {
    for (const auto& finder : finders_) finder->use_fields(numbers);
  }

  [[nodiscard]] std::string notice() const override {
    for (const auto& finder : finders_) {
      if (std::string notice = finder->notice(); !notice.empty()) return notice;
    }
    return {};
  }

  void release() override { made_.clear(); }

 private:
  /// Sets the key to the first usable one, and removes from the data what belongs to the key.
  void find_key(Record& record) {
    std::optional<std::string> why;
    for (const auto& finder : finders_) {
      const auto key = finder->key_of(record.data, made_);
      if (!key) {
        if (auto reason = finder->why_none()) why = std::move(reason);
        continue;
      }
      const auto fault = is_plain(*key) ? std::nullopt : fault_of_key(*key);
      if (!fault || key->empty()) record.data.remove_prefix(finder->taken_off());  // an empty key loses no data
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

  std::optional<std::string> constant_;
  std::string missing_;
  std::optional<HashKey> hash_key_;
  std::vector<std::unique_ptr<KeyFinder>> finders_;
  MadeTexts made_;
};

}  // namespace

std::unique_ptr<RecordSource> make_plain_source(const KeyOptions& options, const Framing& framing) {
  return std::make_unique<PlainRecords>(options, framing);
}

}  // namespace shardlog::cli
