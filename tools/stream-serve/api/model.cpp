#include "tools/stream-serve/api/model.h"

#include <algorithm>
#include <utility>

#include "shardlog/kinesis/arn.h"

namespace shardlog::serve::api {

namespace {

bool is_number(std::string_view text, std::size_t most_digits) {
  const bool is_digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_digits && text.size() <= most_digits && (text.front() != '0' || text.size() == 1);
}

/// arn:aws, anything, :kinesis:, anything, : and 12 digits, :stream/, and at least one character that is not a space.
bool looks_like_stream_arn(std::string_view text) {
  constexpr std::string_view stream = ":stream/";
  const std::size_t service = text.find(":kinesis:");
  if (!text.starts_with("arn:aws") || service == std::string_view::npos) return false;
  for (std::size_t at = text.find(stream, service); at != std::string_view::npos; at = text.find(stream, at + 1)) {
    const bool has_account =
        at >= service + 22 && text[at - 13] == ':' && kinesis::is_account_id(text.substr(at - 12, 12));
    const std::string_view rest = text.substr(at + stream.size());
    if (has_account && !rest.empty() && rest.find_first_of(" \t\r\n\v\f") == std::string_view::npos) return true;
  }
  return false;
}

// The lengths of names are constraints of their own.
const Pattern name_pattern{"[a-zA-Z0-9_.-]+", [](std::string_view text) {
                             return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
                               return kinesis::is_name(std::string_view(&c, 1));
                             });
                           }};
const Pattern hash_key_pattern{"0|([1-9]\\d{0,38})", [](std::string_view text) { return is_number(text, 39); }};
const Pattern sequence_pattern{"0|([1-9]\\d{0,128})", [](std::string_view text) { return is_number(text, 129); }};
const Pattern arn_pattern{"arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+", &looks_like_stream_arn};

// Anything may stand before "stream/", but only these two are resources.
const Pattern resource_pattern{"arn:aws.*:kinesis:.*:\\d{12}:.*stream/\\S+", &looks_like_stream_arn};

const Pattern stream_id_pattern{"[a-z0-9]{20}-[a-z0-9]{3}", [](std::string_view text) {
                                  constexpr std::size_t hyphen = 20;
                                  for (std::size_t i = 0; i < text.size(); ++i) {
                                    const char c = text[i];
                                    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                                    if (i == hyphen ? c != '-' : !fits) return false;
                                  }
                                  return text.size() == hyphen + 4;
                                }};

const Pattern consumer_pattern{
    "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+",
    [](std::string_view text) { return kinesis::parse_consumer_arn(text).has_value(); }};

Type patterned(const Pattern& pattern) {
  Type type;
  type.pattern = &pattern;
  return type;
}

Type of_kind(Type::Kind kind) {
  Type type;
  type.kind = kind;
  return type;
}

Type bounded(Type type, std::optional<std::int64_t> least, std::optional<std::int64_t> most) {
  type.least = least;
  type.most = most;
  return type;
}

}  // namespace

Type boolean() {
  return of_kind(Type::Kind::boolean);
}

Type integer(std::int64_t least, std::int64_t most) {
  return bounded(of_kind(Type::Kind::integer), least, most);
}

Type positive_integer() {
  return bounded(of_kind(Type::Kind::integer), 1, std::nullopt);
}

Type text(std::int64_t least, std::int64_t most) {
  return bounded(of_kind(Type::Kind::text), least, most);
}

Type timestamp() {
  return of_kind(Type::Kind::timestamp);
}

Type enumeration(std::vector<std::string_view> words) {
  Type type;
  type.words = std::move(words);
  return type;
}

Type list_of(Type item, std::int64_t least, std::int64_t most) {
  Type type = bounded(of_kind(Type::Kind::list), least, most);
  type.members = {{"member", std::move(item)}};
  return type;
}

Type structure(std::vector<Member> members) {
  Type type = of_kind(Type::Kind::structure);
  type.members = std::move(members);
  return type;
}

Type name() {
  return bounded(patterned(name_pattern), 1, 128);
}

Type stream_arn() {
  return bounded(patterned(arn_pattern), 1, 2048);
}

Type consumer_arn() {
  return bounded(patterned(consumer_pattern), 1, 2048);
}

Type resource_arn() {
  return bounded(patterned(resource_pattern), 1, 2048);
}

Type stream_id() {
  return bounded(patterned(stream_id_pattern), 1, 24);
}

Type hash_key() {
  return patterned(hash_key_pattern);
}

Type sequence_number() {
  return patterned(sequence_pattern);
}

Type partition_key() {
  return text(1, 256);
}

Type data() {
  return bounded(of_kind(Type::Kind::blob), std::nullopt, most_data_bytes);
}

Type tags() {
  Type type = bounded(of_kind(Type::Kind::map), 1, 200);
  type.members = {{"member", text(0, 256)}};
  type.most_of_key = 128;
  return type;
}

}  // namespace shardlog::serve::api
