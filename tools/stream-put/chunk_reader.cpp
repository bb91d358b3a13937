#include "tools/stream-put/chunk_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tools/common/json_reader.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t most_holes = 4096;  // in one chunk: nothing else bounds them
constexpr Duration silence = std::chrono::seconds(1);
constexpr int pipe_size = 1024 * 1024;

/// One of the files that are read; standard input stays open.
class Source {
 public:
  explicit Source(const std::string& file) : name_(file == "-" ? "standard input" : file) {
    descriptor_ = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw system_error("read " + quote(name_), errno);
    ::fcntl(descriptor_, F_SETPIPE_SZ, pipe_size);  // where it is a pipe: fewer, larger reads
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  std::string name_;
  int descriptor_;
};

class ChunkReader {
 public:
  ChunkReader(const ReadRules& rules, const Clock& clock, InFlight& in_flight, const std::stop_token& stop,
              const std::function<bool(Chunk)>& hand_over)
      : rules_(rules),
        framer_(make_framer(rules.framing, rules.max_record_size, rules.skip_errors)),
        clock_(clock),
        in_flight_(in_flight),
        stop_(stop),
        hand_over_(hand_over),
        stopped_(stop, [this] { stop_event_.notify(); }) {}

  /// False when nothing more is to be read.
  bool read(const std::string& file) {
    from_file_ = file != "-";
    source_ = from_file_ ? file : "standard input";
    next_ = frames() ? 0 : 1;
    at_start_ = rules_.framing.text();
    marked_ = false;
    try {
      const Source source(file);
      return read_source(source);
    } catch (const Error& error) {
      error_ = InputError{error.code(), error.what()};
      hand_over_pieces();
      return false;
    }
  }

 private:
  [[nodiscard]] bool frames() const { return rules_.framing.kind == Framing::Kind::frames; }
  [[nodiscard]] bool any() const { return !input_.lengths.empty() || !input_.holes.empty(); }
  [[nodiscard]] std::size_t room() const { return input_.buffer.size() - json_padding - input_.used; }

  /// A chunk with less room than that goes when it has anything.
  [[nodiscard]] std::size_t least_room() const { return rules_.chunk_size / 64; }

  bool read_source(const Source& source) {
    while (true) {
      if (!wait(source)) return finish_stopped();
      if (any() && (room() < least_room() || input_.holes.size() >= most_holes)) {
        if (!hand_over_pieces()) return false;
        continue;
      }
      make_room();
      const ssize_t got = ::read(source.descriptor(), input_.buffer.data() + input_.used, room());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) throw Error(ErrorCode::io, system_error("read " + quote(source.name()), errno).what());
      cut(static_cast<std::size_t>(got));
      // The pieces of several small files go together only where nothing waits for them; names in messages stay right.
      if (got == 0) return hand_over_pieces();
    }
  }

  /// Until there is input to read, handing over meanwhile what is complete as soon as it may go. False on a stop.
  bool wait(const Source& source) {
    while (true) {
      if (stop_.stop_requested()) return false;
      in_flight_.drain();
      const Duration waited = clock_.elapsed() - first_piece_at_;
      const bool lingered = waited >= rules_.linger;
      if (any() && lingered && in_flight_.none() && !hand_over_pieces()) return false;
      const bool pieces = any();
      const bool may_end = rules_.ends_by_silence && framer_->may_end(input_);
      std::array<pollfd, 3> files{{{source.descriptor(), POLLIN, 0},
                                   {stop_event_.get(), POLLIN, 0},
                                   {pieces && lingered ? in_flight_.descriptor() : -1, POLLIN, 0}}};
      Duration left = Duration::max();
      if (pieces && !lingered) left = rules_.linger - waited;
      if (may_end) left = std::min(left, silence - (clock_.elapsed() - last_read_at_));
      const int ready = ::poll(files.data(), files.size(), poll_timeout(left));
      if (ready < 0 && errno != EINTR) throw system_error("wait for input", errno);
      if (ready > 0 && files[0].revents != 0) return true;
      if (ready == 0 && may_end && clock_.elapsed() - last_read_at_ >= silence) end_open_piece();
    }
  }

  static int poll_timeout(Duration left) {
    if (left == Duration::max()) return -1;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded, 0, 60'000));
  }

  void end_open_piece() {
    const bool none_before = !any();
    framer_->end_open_piece(input_);
    if (none_before && any()) first_piece_at_ = clock_.elapsed();
  }

  /// `count` bytes were read; none is the end of the file.
  void cut(std::size_t count) {
    const bool none_before = !any();
    const bool ended = count == 0;
    last_read_at_ = clock_.elapsed();
    input_.used += count;
    input_bytes_ += count;
    read_ += count;
    uncut_ += count;
    try {
      if (at_start_ && !pass_start(ended)) return;
      if (uncut_ > 0) framer_->cut(input_, std::exchange(uncut_, 0));
      if (ended) framer_->end_file(input_);
    } catch (const Error& error) {
      const std::uint64_t number = framer_->line() > 0 ? framer_->line() : next_ + counted();
      throw Error(error.code(), rules_.framing.piece_of(source_, number) + ": " + error.what());
    }
    if (none_before && any()) first_piece_at_ = clock_.elapsed();
  }

  /// Takes a byte order mark off the start of the file. False while it is not known whether there is one.
  bool pass_start(bool ended) {
    char* const start = input_.buffer.data() + input_.complete;
    const Mark mark = mark_of({start, uncut_}, ended);
    if (mark == Mark::undecided) return false;
    at_start_ = false;
    if (mark == Mark::utf16 || mark == Mark::utf32) {
      throw Error(ErrorCode::malformed, fmt::format("not UTF-8; iconv -f UTF-{} -t UTF-8{} makes it so",
                                                    mark == Mark::utf16 ? 16 : 32, name_for_command()));
    }
    marked_ = mark == Mark::utf8;
    if (!marked_) return true;
    uncut_ -= utf8_mark.size();
    input_.used -= utf8_mark.size();
    std::memmove(start, start + utf8_mark.size(), uncut_);
    return true;
  }

  [[nodiscard]] std::string name_for_command() const { return from_file_ ? " " + quote(source_) : ""; }

  /// How far the pieces in the buffer bring the count of them.
  [[nodiscard]] std::uint64_t counted() const {
    return frames() ? input_.complete : input_.lengths.size() + input_.holes.size();
  }

  bool finish_stopped() {
    if (rules_.ends_by_silence) end_open_piece();
    input_.used = input_.complete;
    hand_over_pieces();
    return false;
  }

  /// For a piece that is longer than a chunk the buffer grows up to the largest.
  void make_room() {
    if (input_.buffer.size() == 0) {
      input_.buffer = Bytes(rules_.chunk_size + json_padding);
      return;
    }
    if (room() >= least_room() || any()) return;
    Bytes larger(input_.buffer.size() * 2);
    std::memcpy(larger.data(), input_.buffer.data(), input_.used);
    input_.buffer = std::move(larger);
  }

  /// What is complete goes, what is not moves to the start of the next chunk.
  bool hand_over_pieces() {
    if (!any() && !error_) return true;
    const std::size_t rest = input_.used - input_.complete;
    Input next;
    next.buffer = Bytes(std::max(rules_.chunk_size, rest * 2) + json_padding);
    if (rest > 0) std::memcpy(next.buffer.data(), input_.buffer.data() + input_.complete, rest);
    next.used = rest;
    next.lengths.reserve(input_.lengths.size());
    next.fields = input_.fields;
    const std::uint64_t first = std::exchange(next_, next_ + counted());
    Input done = std::exchange(input_, std::move(next));
    in_flight_.add();
    Chunk chunk;
    chunk.buffer = std::move(done.buffer);
    chunk.size = done.complete;
    chunk.lengths = std::move(done.lengths);
    chunk.holes = std::move(done.holes);
    chunk.lines = std::move(done.lines);
    chunk.fields = std::move(done.fields);
    chunk.source = source_;
    chunk.first = first;
    chunk.input_bytes = std::exchange(input_bytes_, 0);
    chunk.read = read_;
    chunk.error = error_;
    chunk.number = chunks_++;
    chunk.marked = std::exchange(marked_, false);
    return hand_over_(std::move(chunk));
  }

  ReadRules rules_;
  std::unique_ptr<Framer> framer_;
  const Clock& clock_;
  InFlight& in_flight_;
  std::stop_token stop_;
  const std::function<bool(Chunk)>& hand_over_;
  EventDescriptor stop_event_;
  std::stop_callback<std::function<void()>> stopped_;

  std::string source_;
  bool from_file_ = false;    ///< and not standard input
  bool at_start_ = false;     ///< of a file, and it is not known whether it begins with a mark
  bool marked_ = false;       ///< one was taken off the first piece, which is not handed over yet
  std::size_t uncut_ = 0;     ///< bytes that were read and that the framer does not know of
  std::uint64_t next_ = 1;    ///< the number of the first piece in the buffer
  std::uint64_t chunks_ = 0;  ///< how many were handed over
  Input input_;
  std::uint64_t input_bytes_ = 0;  ///< read since the last hand-over
  std::uint64_t read_ = 0;         ///< read altogether
  Duration first_piece_at_{};      ///< when the first piece in the buffer was complete
  Duration last_read_at_{};
  std::optional<InputError> error_;
};

}  // namespace

void InFlight::remove(std::size_t chunks) {
  if ((count_ -= chunks) == 0) none_left_.notify();
}

bool read_chunks(const std::vector<std::string>& files, const ReadRules& rules, const Clock& clock, InFlight& in_flight,
                 const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over) {
  ChunkReader reader(rules, clock, in_flight, stop, hand_over);
  for (const std::string& file : files) {
    if (!reader.read(file)) return false;
  }
  return true;
}

}  // namespace shardlog::cli
