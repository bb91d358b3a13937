#include "tools/stream-put/framing.h"

#include <fmt/format.h>

#include "shardlog/core/printable.h"

namespace shardlog::cli {

std::string Framing::place(std::uint64_t number, const std::string& source) const {
  switch (kind) {
    case Kind::whole:
      return quote(source);
    case Kind::frames:
      return fmt::format("byte {} of {}", number, quote(source));
    case Kind::json:
    case Kind::delimited:
      break;
  }
  return fmt::format("{} {} of {}", delimiter == "\n" ? "line" : "record", number, quote(source));
}

}  // namespace shardlog::cli
