#include "shardlog/nats/json.h"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <optional>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"

namespace shardlog::nats {

namespace {

[[noreturn]] void refuse_json(const char* what, std::string_view text) {
  throw Error(ErrorCode::io, fmt::format("nats: {} is not {}", quote(text), what));
}

/// Takes `digits` digits off the start of `text`, and `end` after them if there is one. Nullopt if they are not there.
std::optional<int> take_number(std::string_view& text, std::size_t digits, std::string_view end) {
  const auto number = text.size() < digits ? std::nullopt : parse_number<unsigned>(text.substr(0, digits));
  if (!number || text.substr(digits, end.size()) != end) return std::nullopt;
  text.remove_prefix(digits + end.size());
  return static_cast<int>(*number);
}

/// Takes ".123456789" off the start of `text`; no fraction is none.
std::optional<Duration> take_fraction(std::string_view& text) {
  constexpr std::size_t most = 9;
  constexpr std::size_t kept = 6;
  if (!text.starts_with('.')) return Duration(0);
  const std::string_view digits = text.substr(1, text.find_first_not_of("0123456789", 1) - 1);
  if (digits.empty() || digits.size() > most) return std::nullopt;
  text.remove_prefix(1 + digits.size());
  std::string microseconds(digits.substr(0, kept));
  microseconds.resize(kept, '0');
  return Duration(parse_number<unsigned>(microseconds).value_or(0));
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + "\"";
}

std::string_view text_in(const simdjson::dom::element& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::uint64_t number_in(const simdjson::dom::element& object, const char* name) {
  std::uint64_t number = 0;
  return object[name].get(number) == simdjson::SUCCESS ? number : 0;
}

std::string decode_base64(std::string_view text) {
  base64_decode_ctx decoder;
  base64_decode_init(&decoder);
  std::string decoded(BASE64_DECODE_LENGTH(text.size()), '\0');
  std::size_t size = decoded.size();
  auto* const to = reinterpret_cast<std::uint8_t*>(decoded.data());  // NOLINT(*-reinterpret-cast): bytes
  if (base64_decode_update(&decoder, &size, to, text.size(), text.data()) == 0 || base64_decode_final(&decoder) == 0) {
    refuse_json("base64", text.substr(0, 40));
  }
  decoded.resize(size);
  return decoded;
}

Timestamp parse_time(std::string_view text) {
  const std::string_view all = text;
  const auto year = take_number(text, 4, "-");
  const auto month = take_number(text, 2, "-");
  const auto day = take_number(text, 2, "T");
  const auto hours = take_number(text, 2, ":");
  const auto minutes = take_number(text, 2, ":");
  const auto seconds = take_number(text, 2, "");
  const auto fraction = take_fraction(text);
  if (!year || !month || !day || !hours || !minutes || !seconds || !fraction || text != "Z") refuse_json("a time", all);
  if (*year <= 1) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) refuse_json("a time", all);
  return std::chrono::sys_days(date) + std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds) + *fraction;
}

}  // namespace shardlog::nats
