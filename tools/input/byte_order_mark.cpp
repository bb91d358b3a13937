#include "tools/input/byte_order_mark.h"

#include <array>
#include <utility>

namespace shardlog::cli {

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
