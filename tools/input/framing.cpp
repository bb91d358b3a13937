#include "tools/input/framing.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "shardlog/core/printable.h"

namespace shardlog::cli {

std::string Framing::piece(std::uint64_t number) const {
  if (kind == Kind::frames) return fmt::format("byte {}", number);
  return fmt::format("{} {}", delimiter == "\n" ? "line" : "record", number);
}

std::string Framing::piece_of(const std::string& source, std::uint64_t number) const {
  return kind == Kind::whole ? quote(source) : fmt::format("{} of {}", piece(number), quote(source));
}

Mark mark_of(std::string_view start, bool ended) {
  using namespace std::string_view_literals;
  constexpr std::array<std::pair<std::string_view, Mark>, 4> marks{{{"\xff\xfe\0\0"sv, Mark::utf32},
                                                                    {utf8_mark, Mark::utf8},
                                                                    {"\xff\xfe"sv, Mark::utf16},
                                                                    {"\xfe\xff"sv, Mark::utf16}}};
  for (const auto& [mark, kind] : marks) {
    if (start.starts_with(mark)) return kind;
    if (!ended && mark.starts_with(start)) return Mark::undecided;
  }
  return Mark::none;
}

}  // namespace shardlog::cli
