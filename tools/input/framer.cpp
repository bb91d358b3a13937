#include "tools/input/framer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/frame.h"
#include "tools/common/json_reader.h"
#include "tools/input/bound.h"

namespace shardlog::cli {

namespace {

/// Without a delimiter, a whole file is one piece.
class DelimitedFramer final : public Framer {
 public:
  DelimitedFramer(std::string delimiter, Bound bound) : delimiter_(std::move(delimiter)), bound_(std::move(bound)) {}

  void cut(Input& input, std::size_t count) override {
    const char* const end = input.buffer.data() + input.used;
    const char* start = input.buffer.data() + input.complete;
    const std::size_t fresh = count + begun();  // the delimiter may have begun before
    const char* at = static_cast<std::size_t>(end - start) > fresh ? end - fresh : start;
    while (const char* const found = find(at, end)) {
      end_piece(input, {start, static_cast<std::size_t>(found - start)});
      start = at = found + delimiter_.size();
    }
    keep_rest(input, {start, static_cast<std::size_t>(end - start)});
  }

  void end_file(Input& input) override {
    if (input.used > input.complete || dropping_ || delimiter_.empty()) end_piece(input, input.rest());
    input.used = input.complete;
  }

 private:
  /// How many bytes at the end of what was read may be the start of a delimiter.
  [[nodiscard]] std::size_t begun() const { return delimiter_.empty() ? 0 : delimiter_.size() - 1; }

  [[nodiscard]] const char* find(const char* at, const char* end) const {
    const auto size = static_cast<std::size_t>(end - at);
    if (delimiter_.size() == 1) return static_cast<const char*>(std::memchr(at, delimiter_.front(), size));
    if (delimiter_.empty()) return nullptr;
    return static_cast<const char*>(::memmem(at, size, delimiter_.data(), delimiter_.size()));
  }

  void end_piece(Input& input, std::string_view piece) {
    if (std::exchange(dropping_, false)) return;
    if (piece.size() > bound_.most) {
      bound_.refuse(input, bound_.message);
    } else {
      input.add_piece(piece);
    }
  }

  /// Of a piece that is too large, keeps only what may be the start of a delimiter.
  void keep_rest(Input& input, std::string_view rest) {
    if (!dropping_ && rest.size() > bound_.most + begun()) {
      bound_.refuse(input, bound_.message);
      dropping_ = true;
    }
    if (dropping_ && rest.size() > begun()) rest = rest.substr(rest.size() - begun());
    input.keep(rest);
  }

  std::string delimiter_;
  Bound bound_;
  bool dropping_ = false;  ///< what is read belongs to a piece that was too large
};

class FrameFramer final : public Framer {
 public:
  void cut(Input& input, std::size_t /*count*/) override {
    while (input.rest().size() >= frame_prefix_size) {
      const std::size_t size = frame_size(input.rest());
      if (input.rest().size() < size) return;
      input.lengths.push_back(static_cast<std::uint32_t>(size));
      input.complete += size;
    }
  }

  void end_file(Input& input) override {
    if (input.used > input.complete) throw Error(ErrorCode::malformed, "frame: cut off by the end of the file");
  }
};

constexpr std::size_t usual_size = 4UL * 1024 * 1024;

/// Moves what is not complete to the start of a buffer with room for more.
void make_room(Input& input) {
  const std::size_t size = input.buffer.size() - json_padding;
  const std::string_view rest = input.rest();
  Bytes old;
  if (size - rest.size() < usual_size / 2) old = std::exchange(input.buffer, Bytes(2 * size + json_padding));
  input.complete = 0;
  input.keep(rest);
  input.lengths.clear();
  input.holes.clear();
  input.lines.clear();
}

}  // namespace

void Input::add_piece(std::string_view piece) {
  char* const to = buffer.data() + complete;
  if (to != piece.data()) std::memmove(to, piece.data(), piece.size());
  to[piece.size()] = '\n';
  lengths.push_back(static_cast<std::uint32_t>(piece.size()));
  complete += piece.size() + 1;
}

void Input::keep(std::string_view rest) {
  char* const to = buffer.data() + complete;
  if (to != rest.data() && !rest.empty()) std::memmove(to, rest.data(), rest.size());
  used = complete + rest.size();
}

std::unique_ptr<Framer> make_framer(const Framing& framing, std::uint64_t max_record_size, bool skip_errors) {
  Bound bound{max_record_size, fmt::format("over the stream's maximum record size of {} bytes", max_record_size),
              skip_errors};
  switch (framing.kind) {
    case Framing::Kind::frames:
      return std::make_unique<FrameFramer>();
    case Framing::Kind::record_start:
      return make_record_start_framer(framing.record_start, std::move(bound));
    case Framing::Kind::csv:
      return make_csv_framer(framing, std::move(bound));
    case Framing::Kind::json:
      // A byte takes at most six in JSON; the rest is for the other members.
      bound.most = 6 * max_record_size + 64UL * 1024;
      bound.message = fmt::format("a line of more than {} bytes", bound.most);
      break;
    case Framing::Kind::whole:
    case Framing::Kind::delimited:
      break;
  }
  return std::make_unique<DelimitedFramer>(framing.kind == Framing::Kind::whole ? "" : framing.delimiter,
                                           std::move(bound));
}

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
