#include "tools/common/json_record.h"

#include <fmt/format.h>
#include <nettle/base64.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {

/// What is read, in the order of the pointers that lead to it.
enum Member : std::size_t { whole, key, hash_key, data, data_base64, shard, sequence };

std::vector<JsonPointer> wanted(bool with_origin) {
  std::vector<JsonPointer> pointers{{}, {"key"}, {"hash_key"}, {"data"}, {"data_base64"}, {"shard"}, {"sequence"}};
  if (!with_origin) pointers.resize(shard);
  return pointers;
}

using Found = std::span<const std::optional<JsonValue>>;

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::malformed, reason);
}

/// Null counts as absent.
const JsonValue* string_of(const std::optional<JsonValue>& value, const char* name) {
  if (!value || value->kind == JsonValue::Kind::null) return nullptr;
  if (value->kind == JsonValue::Kind::unpaired) refuse(fmt::format("\"{}\" has half of a surrogate pair", name));
  if (value->kind != JsonValue::Kind::string) refuse(fmt::format("\"{}\" is not a string", name));
  return &*value;
}

/// Writes a string back to where it came from, without its escapes: it is never longer than with them.
std::string_view in_place(std::span<char> line, const JsonValue& value) {
  char* const to = line.data() + (value.raw.data() - line.data());
  if (value.text.data() != value.raw.data()) std::memcpy(to, value.text.data(), value.text.size());
  return {to, value.text.size()};
}

std::string_view decode_base64(std::span<char> line, const JsonValue& value) {
  const std::string_view text = in_place(line, value);
  char* const to = line.data() + (text.data() - line.data());
  base64_decode_ctx context{};
  base64_decode_init(&context);
  std::size_t size = text.size();
  // nettle decodes in place, and takes bytes as uint8_t; char may alias them.
  const bool valid = base64_decode_update(&context, &size, reinterpret_cast<std::uint8_t*>(to),  // NOLINT
                                          text.size(), text.data()) == 1;
  if (!valid || base64_decode_final(&context) != 1) refuse("\"data_base64\" is not base64");
  return {to, size};
}

std::string_view data_of(std::span<char> line, Found found) {
  const JsonValue* const plain = string_of(found[data], "data");
  const JsonValue* const encoded = string_of(found[data_base64], "data_base64");
  if (plain != nullptr && encoded != nullptr) refuse("both \"data\" and \"data_base64\"");
  if (encoded != nullptr) return decode_base64(line, *encoded);
  if (plain == nullptr) refuse("no \"data\"; did you mean --key-json?");
  return in_place(line, *plain);
}

std::optional<JsonRecordReader::Origin> origin_of(Found found) {
  const auto is_string = [&](std::size_t member) {
    return member < found.size() && found[member] && found[member]->kind == JsonValue::Kind::string;
  };
  if (!is_string(shard) || !is_string(sequence)) return std::nullopt;
  return JsonRecordReader::Origin{found[shard]->text, found[sequence]->text};
}

}  // namespace

JsonRecordReader::JsonRecordReader(bool with_origin) : reader_(wanted(with_origin)) {}

std::optional<Record> JsonRecordReader::read(std::span<char> line) {
  const std::string_view text(line.data(), line.size());
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) return std::nullopt;
  const Found found = reader_.read(text);
  if (found[whole]->kind != JsonValue::Kind::object) refuse("not a JSON object");
  origin_ = origin_of(found);
  Record record{};
  if (const JsonValue* const text_of_hash_key = string_of(found[hash_key], "hash_key")) {
    record.explicit_hash_key = HashKey::parse(text_of_hash_key->text);
    if (!record.explicit_hash_key) refuse("\"hash_key\" is not a decimal number from 0 to 2^128-1");
  }
  if (const JsonValue* const partition_key = string_of(found[key], "key")) record.key = in_place(line, *partition_key);
  record.data = data_of(line, found);
  return record;
}

}  // namespace shardlog::cli
