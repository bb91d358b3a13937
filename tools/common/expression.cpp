#include "tools/common/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {

std::string error_text(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  const int length = pcre2_get_error_message(error, text.data(), text.size());
  return {text.begin(), text.begin() + std::max(length, 0)};
}

}  // namespace

void Expression::Free::operator()(pcre2_code* code) const {
  pcre2_code_free(code);
}

void Expression::Free::operator()(pcre2_match_data* match) const {
  pcre2_match_data_free(match);
}

Expression::Expression(std::string option, const std::string& text) : option_(std::move(option)) {
  int error = 0;
  PCRE2_SIZE at = 0;
  // NOLINTNEXTLINE(*-reinterpret-cast): PCRE2 takes bytes as unsigned char, which may alias
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, &error, &at, nullptr));
  if (code_ == nullptr) {
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: {} at character {}", option_, quote(text), error_text(error), at));
  }
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it matching is only slower
  match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  if (match_ == nullptr) throw std::bad_alloc();
}

std::optional<std::string_view> Expression::match(std::string_view text) {
  // NOLINTNEXTLINE(*-reinterpret-cast): as above
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const int groups = pcre2_match(code_.get(), subject, text.size(), 0, 0, match_.get(), nullptr);
  if (groups == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (groups < 0) throw Error(ErrorCode::malformed, option_ + ": " + error_text(groups));
  const PCRE2_SIZE* const offsets = pcre2_get_ovector_pointer(match_.get());
  const std::size_t group = pcre2_get_ovector_count(match_.get()) > 1 ? 1 : 0;
  const std::size_t start = offsets[2 * group];
  const std::size_t end = offsets[2 * group + 1];
  if (start == PCRE2_UNSET || end <= start) return std::string_view();
  return text.substr(start, end - start);
}

}  // namespace shardlog::cli
