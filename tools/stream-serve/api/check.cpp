#include "tools/stream-serve/api/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory_resource>
#include <string>

#include "shardlog/core/utf8.h"
#include "tools/common/base64.h"

namespace shardlog::serve::api {

namespace {

using Kind = wire::Value::Kind;
using wire::Value;

constexpr std::string_view list_found = "Start of list found where not expected";
constexpr std::string_view structure_found = "Start of structure or map found where not expected.";

Refusal wrong_type(std::string message) {
  return {serialization, std::move(message)};
}

/// The Java class of a scalar, by which the service calls it.
std::string_view class_of(Kind kind) {
  if (kind == Kind::boolean) return "class java.lang.Boolean";
  if (kind == Kind::text) return "class java.lang.String";
  return "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
}

/// For a member that is a scalar of another kind.
Refusal wrong_scalar(const Value& value, std::string_view wanted) {
  if (value.kind == Kind::list) return wrong_type(std::string(list_found));
  if (value.kind == Kind::structure) return wrong_type(std::string(structure_found));
  return wrong_type(fmt::format("{} can not be converted to {}", class_of(value.kind), wanted));
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return result;
}

Check not_base64(std::string_view text) {
  const auto refused = [text](const std::string& why) {
    return wrong_type(fmt::format("'{}' can not be converted to a Blob: {}", text, why));
  };
  if (text.size() % 4 != 0) {
    return refused(fmt::format("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.size()));
  }
  const auto is_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;
  const auto wrong = std::find_if_not(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), is_digit);
  if (wrong != text.begin() + static_cast<std::ptrdiff_t>(digits)) {
    return refused(fmt::format("Invalid Base64 character: '{}'", *wrong));
  }
  return refused("Invalid last non-pad Base64 character dectected");  // as the service writes it
}

/// Decodes a blob.
Check decode_blob(Value& value, std::pmr::memory_resource& decoded) {
  if (value.kind == Kind::bytes) return std::nullopt;
  if (value.kind != Kind::text) return wrong_scalar(value, "a Blob");
  auto* const bytes = static_cast<char*>(decoded.allocate(value.text.size() / 4 * 3, 1));
  const auto size = cli::decode_base64(value.text, bytes);
  if (!size) return not_base64(value.text);
  value.kind = Kind::bytes;
  value.text = {bytes, *size};
  return std::nullopt;
}

Check convert_members(Value& value, const std::vector<Member>& members, std::pmr::memory_resource& decoded);

Check convert_boolean(const Value& value) {
  if (value.kind == Kind::boolean) return std::nullopt;
  if (value.kind == Kind::text)
    return wrong_type(fmt::format("'{}' can not be converted to an Boolean", upper(value.text)));
  return wrong_scalar(value, "an Boolean");
}

Check convert_number(Value& value, const Type& type) {
  if (type.kind == Type::Kind::timestamp) {
    return value.kind == Kind::number ? Check() : wrong_scalar(value, "milliseconds since epoch");
  }
  if (value.kind != Kind::number) return wrong_scalar(value, "an Integer");
  value.number = std::clamp<double>(std::floor(value.number), INT32_MIN, INT32_MAX);
  return std::nullopt;
}

Check convert(Value& value, const Type& type, std::pmr::memory_resource& decoded);

/// What a list, map or structure needs to be, before its parts are looked at.
Check check_container(const Value& value, const Type& type) {
  const bool is_list = type.kind == Type::Kind::list;
  if (value.kind == Kind::list) return is_list ? Check() : wrong_type(std::string(list_found));
  if (value.kind == Kind::structure) return is_list ? wrong_type(std::string(structure_found)) : Check();
  if (is_list) return wrong_type("Expected list or null");
  return wrong_type(type.kind == Type::Kind::map ? "Expected map or null" : "Expected null");
}

Check convert_container(Value& value, const Type& type,
                        std::pmr::memory_resource& decoded) {  // NOLINT(misc-no-recursion)
  if (auto refused = check_container(value, type)) return refused;
  if (type.kind == Type::Kind::structure) return convert_members(value, type.members, decoded);
  for (Value& item : value.items) {
    if (item.kind == Kind::null) continue;
    if (auto refused = convert(item, type.members.front().type, decoded)) return refused;
  }
  for (auto& [key, member] : value.members) {
    if (member.kind == Kind::null) continue;
    if (auto refused = convert(member, type.members.front().type, decoded)) return refused;
  }
  return std::nullopt;
}

Check convert(Value& value, const Type& type, std::pmr::memory_resource& decoded) {  // NOLINT(misc-no-recursion)
  switch (type.kind) {
    case Type::Kind::boolean:
      return convert_boolean(value);
    case Type::Kind::integer:
    case Type::Kind::timestamp:
      return convert_number(value, type);
    case Type::Kind::text:
      return value.kind == Kind::text ? Check() : wrong_scalar(value, "an String");
    case Type::Kind::blob:
      return decode_blob(value, decoded);
    default:
      return convert_container(value, type, decoded);
  }
}

Check convert_members(Value& value, const std::vector<Member>& members,  // NOLINT(misc-no-recursion)
                      std::pmr::memory_resource& decoded) {
  for (const Member& member : members) {
    for (auto& [name, held] : value.members) {
      if (name != member.name || held.kind == Kind::null) continue;
      if (auto refused = convert(held, member.type, decoded)) return refused;
    }
  }
  return std::nullopt;
}

/// "streamName" for StreamName.
std::string lower_first(std::string_view name) {
  std::string result(name);
  if (!result.empty() && result[0] >= 'A' && result[0] <= 'Z') result[0] = static_cast<char>(result[0] - 'A' + 'a');
  return result;
}

/// Where a value is in a request. Nearly all requests are without a fault, so it becomes text only for one.
struct Path {
  const Path* parent = nullptr;  ///< nullptr: it is the request itself
  std::string_view step{};       ///< the name of a member, the key in a map, or the number in a list, from 1
  bool in_container = false;     ///< a list or map
};

std::string to_string(const Path& path) {
  std::string text;
  for (const Path* at = &path; at->parent != nullptr; at = at->parent) {
    if (!text.empty()) text.insert(0, ".");
    text.insert(0, at->in_container ? fmt::format("{}.member", at->step) : lower_first(at->step));
  }
  return text;
}

/// Gathers the faults of a request, up to ten: there could be thousands in a list.
class Faults {
 public:
  void add(const std::string& value, const Path& path, const std::string& constraint) {
    if (count_ == most) return;
    ++count_;
    text_ += fmt::format("{}Value {} at '{}' failed to satisfy constraint: {}", text_.empty() ? "" : "; ", value,
                         to_string(path), constraint);
  }

  [[nodiscard]] Check refusal() const {
    if (count_ == 0) return std::nullopt;
    return Refusal{validation,
                   fmt::format("{} validation error{} detected: {}", count_, count_ == 1 ? "" : "s", text_)};
  }

 private:
  static constexpr std::size_t most = 10;

  std::size_t count_ = 0;
  std::string text_;
};

std::string shown(const Value& value) {
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.boolean ? "'true'" : "'false'";
    case Kind::number:
      return fmt::format("'{:.0f}'", value.number);
    case Kind::bytes:
      return fmt::format("'java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]'", value.text.size());
    case Kind::list:
      return fmt::format("'[{} items]'", value.items.size());
    case Kind::structure:
      return fmt::format("'{{{} members}}'", value.members.size());
    case Kind::text:
      break;
  }
  return fmt::format("'{}'", value.text);
}

std::int64_t size_of(const Value& value) {
  if (value.kind == Kind::text) return static_cast<std::int64_t>(utf8_length(value.text).value_or(value.text.size()));
  if (value.kind == Kind::bytes) return static_cast<std::int64_t>(value.text.size());
  return static_cast<std::int64_t>(value.kind == Kind::list ? value.items.size() : value.members.size());
}

void check_bounds(const Value& value, const Type& type, const Path& path, Faults& faults) {
  if (!type.least && !type.most) return;
  const bool is_number = value.kind == Kind::number;
  const std::int64_t measure = is_number ? static_cast<std::int64_t>(value.number) : size_of(value);
  const char* const what = is_number ? "value" : "length";
  if (type.least && measure < *type.least) {
    faults.add(shown(value), path, fmt::format("Member must have {} greater than or equal to {}", what, *type.least));
  }
  if (type.most && measure > *type.most) {
    faults.add(shown(value), path, fmt::format("Member must have {} less than or equal to {}", what, *type.most));
  }
}

void check_text(const Value& value, const Type& type, const Path& path, Faults& faults) {
  if (type.pattern != nullptr && !type.pattern->matches(value.text)) {
    faults.add(shown(value), path,
               fmt::format("Member must satisfy regular expression pattern: {}", type.pattern->text));
  }
  if (!type.words.empty() && std::find(type.words.begin(), type.words.end(), value.text) == type.words.end()) {
    faults.add(shown(value), path,
               fmt::format("Member must satisfy enum value set: [{}]", fmt::join(type.words, ", ")));
  }
}

void check_keys(const Value& value, const Type& type, const Path& path, Faults& faults) {
  const auto fits = [&type](const auto& member) {
    const std::size_t size = utf8_length(member.first).value_or(member.first.size());
    return size >= 1 && size <= static_cast<std::size_t>(type.most_of_key);
  };
  if (std::all_of(value.members.begin(), value.members.end(), fits)) return;
  faults.add(shown(value), path,
             fmt::format("Map keys must satisfy constraint: [Member must have length less than or equal to {}, Member "
                         "must have length greater than or equal to 1]",
                         type.most_of_key));
}

void check_members(const Value& value, const std::vector<Member>& members, const Path& path, Faults& faults);

void check_value(const Value& value, const Type& type, const Path& path,
                 Faults& faults) {  // NOLINT(misc-no-recursion)
  check_bounds(value, type, path, faults);
  if (value.kind == Kind::text) check_text(value, type, path, faults);
  if (type.kind == Type::Kind::structure) return check_members(value, type.members, path, faults);
  if (type.kind == Type::Kind::map) {
    check_keys(value, type, path, faults);
    for (const auto& [key, held] : value.members) {
      const Path at{&path, key, true};
      if (held.kind == Kind::null)
        faults.add("null", at, "Member must not be null");
      else
        check_value(held, type.members.front().type, at, faults);
    }
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    const Path at{&path, number, true};
    if (value.items[i].kind == Kind::null)
      faults.add("null", at, "Member must not be null");
    else
      check_value(value.items[i], type.members.front().type, at, faults);
  }
}

void check_members(const Value& value, const std::vector<Member>& members,  // NOLINT(misc-no-recursion)
                   const Path& path, Faults& faults) {
  for (const Member& member : members) {
    const Path at{&path, member.name};
    const Value* const held = value.find(member.name);
    if (held != nullptr) {
      check_value(*held, member.type, at, faults);
    } else if (member.required) {
      faults.add("null", at, "Member must not be null");
    }
  }
}

}  // namespace

Check check_types(wire::Document& request, const std::vector<Member>& members) {
  return convert_members(request.root, members, *request.decoded);
}

Check check_constraints(const wire::Value& request, const std::vector<Member>& members) {
  Faults faults;
  check_members(request, members, {}, faults);
  return faults.refusal();
}

}  // namespace shardlog::serve::api
