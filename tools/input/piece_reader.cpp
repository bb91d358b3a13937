#include "tools/input/piece_reader.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shardlog/core/error.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t usual_size = 4UL * 1024 * 1024;

/// What is not complete moves to the start of a buffer in which more has room.
void make_room(Input& input) {
  const std::size_t rest = input.used - input.complete;
  const std::size_t room = input.buffer.size() - json_padding - rest;
  if (room < usual_size / 2) {
    Bytes larger(2 * (input.buffer.size() - json_padding) + json_padding);
    std::memcpy(larger.data(), input.buffer.data() + input.complete, rest);
    input.buffer = std::move(larger);
  } else if (input.complete > 0) {
    std::memmove(input.buffer.data(), input.buffer.data() + input.complete, rest);
  }
  input.used = rest;
  input.complete = 0;
  input.lengths.clear();
  input.holes.clear();
  input.lines.clear();
}

}  // namespace

void read_pieces(int file, std::uint64_t most, Framer& framer, const std::function<void(Input&)>& take) {
  Input input;
  input.buffer = Bytes(usual_size + json_padding);
  std::uint64_t done = 0;
  while (true) {
    const std::size_t room = input.buffer.size() - json_padding - input.used;
    const ssize_t got = ::pread(file, input.buffer.data() + input.used, room, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorCode::io, system_error("read a command's output", errno).what());
    done += static_cast<std::uint64_t>(got);
    if (done > most) throw Error(ErrorCode::malformed, fmt::format("more than {} bytes", most));
    input.used += static_cast<std::size_t>(got);
    if (got > 0) {
      framer.cut(input, static_cast<std::size_t>(got));
    } else {
      framer.end_file(input);
    }
    if (!input.lengths.empty()) take(input);
    if (got == 0) return;
    make_room(input);
  }
}

}  // namespace shardlog::cli
