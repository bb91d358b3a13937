#include "tools/input/framing.h"

#include <fmt/format.h>

#include "shardlog/core/printable.h"

namespace shardlog::cli {

std::string Framing::piece(std::uint64_t number) const {
  if (kind == Kind::frames) return fmt::format("byte {}", number);
  return fmt::format("{} {}", delimiter == "\n" ? "line" : "record", number);
}

std::string Framing::place(std::uint64_t number, const std::string& source) const {
  return kind == Kind::whole ? quote(source) : fmt::format("{} of {}", piece(number), quote(source));
}

}  // namespace shardlog::cli
