#include "tools/common/json_pointer.h"

namespace shardlog::cli {

std::optional<JsonPointer> parse_json_pointer(std::string_view text) {
  JsonPointer pointer;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '/') {
      pointer.emplace_back();
      continue;
    }
    if (pointer.empty()) return std::nullopt;
    if (c != '~') {
      pointer.back() += c;
      continue;
    }
    if (text.empty() || (text.front() != '0' && text.front() != '1')) return std::nullopt;
    pointer.back() += text.front() == '0' ? '~' : '/';
    text.remove_prefix(1);
  }
  return pointer;
}

}  // namespace shardlog::cli
