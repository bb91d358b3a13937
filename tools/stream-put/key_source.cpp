#include "tools/stream-put/key_source.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "tools/common/json_reader.h"
#include "tools/common/option_table.h"

namespace shardlog::cli {

namespace {

class ConstantKey final : public KeySource {
 public:
  explicit ConstantKey(std::string key) : key_(std::move(key)) {}

  std::optional<std::string_view> key_of(std::string_view /*data*/) override { return key_; }

 private:
  std::string key_;
};

/// Fields between separators, empty ones among them; a record without a separator is one field.
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

 private:
  static std::optional<std::string_view> present(std::string_view field) {
    return field.empty() ? std::nullopt : std::optional(field);
  }

  std::uint32_t number_;
  std::string separator_;
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
  explicit RegexKey(const std::string& expression) {
    int error = 0;
    PCRE2_SIZE at = 0;
    // NOLINTNEXTLINE(*-reinterpret-cast): PCRE2 takes bytes as unsigned char, which may alias
    code_.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), 0, &error, &at, nullptr));
    if (code_ == nullptr) {
      throw Error(ErrorCode::usage,
                  fmt::format("--key-regex {}: {} at character {}", quote(expression), error_text(error), at));
    }
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // where it is not to be had, matching is only slower
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    if (match_ == nullptr) throw std::bad_alloc();
  }

  std::optional<std::string_view> key_of(std::string_view data) override {
    // NOLINTNEXTLINE(*-reinterpret-cast): as above
    const auto* const subject = reinterpret_cast<PCRE2_SPTR>(data.data());
    const int groups = pcre2_match(code_.get(), subject, data.size(), 0, 0, match_.get(), nullptr);
    if (groups == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (groups < 0) throw Error(ErrorCode::malformed, "--key-regex: " + error_text(groups));
    const PCRE2_SIZE* const offsets = pcre2_get_ovector_pointer(match_.get());
    const std::size_t group = pcre2_get_ovector_count(match_.get()) > 1 ? 1 : 0;
    const std::size_t start = offsets[2 * group];
    const std::size_t end = offsets[2 * group + 1];
    if (start == PCRE2_UNSET || end <= start) return std::nullopt;  // the group took no part, or matched nothing
    return data.substr(start, end - start);
  }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
  };

  static std::string error_text(int error) {
    std::array<PCRE2_UCHAR, 256> text{};
    const int length = pcre2_get_error_message(error, text.data(), text.size());
    return {text.begin(), text.begin() + std::max(length, 0)};
  }

  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
};

/// What a JSON pointer leads to: the text of a string, or a number, true or false as it stands.
class JsonKey final : public KeySource {
 public:
  explicit JsonKey(const std::string& pointer) : name_(quote(pointer)), reader_({pointer_of(pointer)}) {}

  std::optional<std::string_view> key_of(std::string_view data) override {
    const std::optional<JsonValue>& value = reader_.read(data).front();
    if (!value || value->kind == JsonValue::Kind::null) return std::nullopt;
    if (value->kind == JsonValue::Kind::object || value->kind == JsonValue::Kind::array) {
      throw Error(ErrorCode::malformed, fmt::format("{} is an object or array, and no partition key", name_));
    }
    if (value->text.data() == value->raw.data()) return value->text;
    return unescaped_.emplace_back(value->text);
  }

  void release() override { unescaped_.clear(); }

 private:
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
  std::deque<std::string> unescaped_;
};

}  // namespace

std::unique_ptr<KeySource> make_key_source(const KeyOptions& options) {
  if (options.missing) check_key(*options.missing, "--missing-key");
  if (options.constant) check_key(*options.constant, "--key");
  if (options.pointer) return std::make_unique<JsonKey>(*options.pointer);
  if (options.constant) return std::make_unique<ConstantKey>(*options.constant);
  if (options.regex) return std::make_unique<RegexKey>(*options.regex);
  if (options.field == 0) return nullptr;
  if (options.field_separator.empty()) return std::make_unique<BlankSeparatedField>(options.field);
  return std::make_unique<SeparatedField>(options.field, options.field_separator);
}

}  // namespace shardlog::cli
