#include "tools/input/framer.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/frame.h"
#include "tools/input/bound.h"
#include "tools/input/csv_framer.h"
#include "tools/input/record_start_framer.h"

namespace shardlog::cli {

namespace {

class DelimitedFramer final : public Framer {
 public:
  DelimitedFramer(std::string delimiter, Bound bound) : delimiter_(std::move(delimiter)), bound_(std::move(bound)) {}

  void cut(Input& input, std::size_t count) override {
    const char* const end = input.buffer.data() + input.used;
    const char* start = input.buffer.data() + input.complete;
    const std::size_t fresh = count + delimiter_.size() - 1;  // the delimiter may have begun before
    const char* at = static_cast<std::size_t>(end - start) > fresh ? end - fresh : start;
    while (const char* const found = find(at, end)) {
      end_piece(input, start, static_cast<std::size_t>(found - start));
      start = at = found + delimiter_.size();
    }
    keep_rest(input, {start, static_cast<std::size_t>(end - start)});
  }

  void end_file(Input& input) override {
    const std::size_t rest = input.used - input.complete;
    if (rest > 0 || dropping_) end_piece(input, input.buffer.data() + input.complete, rest);
    input.used = input.complete;
  }

 private:
  [[nodiscard]] const char* find(const char* at, const char* end) const {
    const auto size = static_cast<std::size_t>(end - at);
    return static_cast<const char*>(delimiter_.size() == 1 ? std::memchr(at, delimiter_.front(), size)
                                                           : ::memmem(at, size, delimiter_.data(), delimiter_.size()));
  }

  void end_piece(Input& input, const char* start, std::size_t size) {
    if (std::exchange(dropping_, false)) return;
    if (size > bound_.most()) {
      bound_.refuse(input);
    } else {
      add_piece(input, start, size);
    }
  }

  /// Of a piece that is too large only what may be the start of the delimiter is kept.
  void keep_rest(Input& input, std::string_view rest) {
    const std::size_t begun = delimiter_.size() - 1;
    if (!dropping_ && rest.size() > bound_.most() + begun) {
      bound_.refuse(input);
      dropping_ = true;
    }
    if (dropping_ && rest.size() > begun) rest = rest.substr(rest.size() - begun);
    char* const to = input.buffer.data() + input.complete;
    if (to != rest.data()) std::memmove(to, rest.data(), rest.size());
    input.used = input.complete + rest.size();
  }

  std::string delimiter_;
  Bound bound_;
  bool dropping_ = false;  ///< what is read belongs to a piece that was found to be too large
};

class WholeFramer final : public Framer {
 public:
  explicit WholeFramer(Bound bound) : bound_(std::move(bound)) {}

  void cut(Input& input, std::size_t /*count*/) override {
    if (!dropping_ && input.used - input.complete > bound_.most()) {
      bound_.refuse(input);
      dropping_ = true;
    }
    if (dropping_) input.used = input.complete;
  }

  void end_file(Input& input) override {
    if (!std::exchange(dropping_, false)) {
      add_piece(input, input.buffer.data() + input.complete, input.used - input.complete);
    }
    input.used = input.complete;
  }

 private:
  Bound bound_;
  bool dropping_ = false;
};

class FrameFramer final : public Framer {
 public:
  void cut(Input& input, std::size_t /*count*/) override {
    while (input.used - input.complete >= frame_prefix_size) {
      const std::string_view rest(input.buffer.data() + input.complete, input.used - input.complete);
      const std::size_t size = frame_size(rest);
      if (rest.size() < size) return;
      input.lengths.push_back(static_cast<std::uint32_t>(size));
      input.complete += size;
    }
  }

  void end_file(Input& input) override {
    if (input.used > input.complete) throw Error(ErrorCode::malformed, "frame: cut off by the end of the file");
  }
};

}  // namespace

std::unique_ptr<Framer> make_framer(const Framing& framing, std::uint64_t max_record_size, bool skip_errors) {
  Bound bound(max_record_size, fmt::format("over the stream's maximum record size of {} bytes", max_record_size),
              skip_errors);
  switch (framing.kind) {
    case Framing::Kind::whole:
      return std::make_unique<WholeFramer>(std::move(bound));
    case Framing::Kind::frames:
      return std::make_unique<FrameFramer>();
    case Framing::Kind::json: {
      // A byte takes at most six in JSON; the rest is for the other members.
      const std::uint64_t most = 6 * max_record_size + 64UL * 1024;
      return std::make_unique<DelimitedFramer>(
          framing.delimiter, Bound(most, fmt::format("a line of more than {} bytes", most), skip_errors));
    }
    case Framing::Kind::record_start:
      return std::make_unique<RecordStartFramer>(framing.record_start, std::move(bound));
    case Framing::Kind::csv:
      return std::make_unique<CsvFramer>(framing, std::move(bound));
    case Framing::Kind::delimited:
      break;
  }
  return std::make_unique<DelimitedFramer>(framing.delimiter, std::move(bound));
}

}  // namespace shardlog::cli
