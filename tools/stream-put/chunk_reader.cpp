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

#include "tools/common/descriptor.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t chunk_size_at_a_rate = 64UL * 1024;       // most of what must wait is left in the pipe
constexpr std::size_t most_holes = 4096;                        // in one chunk: nothing else bounds them
constexpr Duration same_time = std::chrono::microseconds(100);  // pieces that are read so soon one after the other
constexpr Duration silence = std::chrono::seconds(1);
constexpr int pipe_size = 1024 * 1024;

class ChunkReader {
 public:
  ChunkReader(const PutCommand& command, std::uint64_t max_record_size, const Clock& clock, InFlight& in_flight,
              const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over)
      : command_(command),
        framer_(make_framer(command.framing, max_record_size + command.key.taken_off(), command.skip_errors)),
        clock_(clock),
        in_flight_(in_flight),
        stop_(stop),
        hand_over_(hand_over),
        stopping_(stop) {}

  /// Returns false if nothing more can be read.
  bool read(const std::string& file) {
    from_file_ = file != "-";
    source_ = from_file_ ? file : "standard input";
    next_ = frames() ? 0 : 1;
    at_start_ = command_.framing.text();
    marked_ = false;
    try {
      const Descriptor opened(from_file_ ? ::open(file.c_str(), O_RDONLY | O_CLOEXEC) : -1);
      if (from_file_ && !opened.is_open()) throw system_error("read " + quote(source_), errno);
      return read_from(from_file_ ? opened.get() : STDIN_FILENO);
    } catch (const Error& error) {
      error_ = error;
      hand_over_pieces();
      return false;
    }
  }

 private:
  [[nodiscard]] bool frames() const { return command_.framing.kind == Framing::Kind::frames; }
  [[nodiscard]] bool any() const { return !input_.lengths.empty() || !input_.holes.empty(); }
  [[nodiscard]] std::size_t room() const { return input_.buffer.size() - json_padding - input_.used; }

  /// Whether a pause of the input ends a piece. It does not with a producer: a repeated run must cut the input in the
  /// same way, however fast the input comes.
  [[nodiscard]] bool ends_by_silence() const { return !command_.producer; }

  /// A chunk with less room than this is handed over if it has any pieces.
  [[nodiscard]] std::size_t least_room() const { return chunk_size_ / 64; }

  bool read_from(int file) {
    ::fcntl(file, F_SETPIPE_SZ, pipe_size);  // of a pipe: fewer, larger reads
    while (true) {
      if (!wait(file)) return finish_stopped();
      if (any() && (room() < least_room() || input_.holes.size() >= most_holes)) {
        if (!hand_over_pieces()) return false;
        continue;
      }
      make_room();
      const ssize_t got = ::read(file, input_.buffer.data() + input_.used, room());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) throw Error(ErrorCode::io, system_error("read " + quote(source_), errno).what());
      cut(static_cast<std::size_t>(got));
      // A chunk ends with its file: messages name the file, and many small files still share a commit.
      if (got == 0) return hand_over_pieces();
    }
  }

  /// Waits until there is input to read. Meanwhile it hands over complete pieces as soon as they may go. Returns false
  /// on a stop.
  bool wait(int file) {
    while (true) {
      if (stop_.stop_requested()) return false;
      in_flight_.drain();
      const Duration waited = clock_.elapsed() - first_piece_at_;
      const bool lingered = waited >= command_.linger;
      if (any() && lingered && in_flight_.none() && !hand_over_pieces()) return false;
      const bool pieces = any();
      const bool may_end = ends_by_silence() && framer_->may_end(input_);
      std::array<pollfd, 3> files{{{file, POLLIN, 0},
                                   {stopping_.get(), POLLIN, 0},
                                   {pieces && lingered ? in_flight_.descriptor() : -1, POLLIN, 0}}};
      Duration left = Duration::max();
      if (pieces && !lingered) left = command_.linger - waited;
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
    note_pieces(clock_.elapsed());
  }

  /// Those that have become complete were so at this time.
  void note_pieces(Duration now) {
    const std::size_t pieces = input_.lengths.size() - std::exchange(noted_, input_.lengths.size());
    if (pieces == 0) return;
    if (reads_.empty() || now - reads_.back().at > same_time) {
      reads_.push_back({now, pieces});
    } else {
      reads_.back().pieces += pieces;
    }
  }

  /// `count` bytes were read; 0 is the end of the file.
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
      throw Error(error.code(), command_.framing.piece_of(source_, number) + ": " + error.what());
    }
    if (none_before && any()) first_piece_at_ = clock_.elapsed();
    note_pieces(last_read_at_);
  }

  /// Takes a byte order mark off the start of the file. Returns false if it needs more bytes to see whether there is
  /// one.
  bool pass_start(bool ended) {
    char* const start = input_.buffer.data() + input_.complete;
    const Mark mark = mark_of({start, uncut_}, ended);
    if (mark == Mark::undecided) return false;
    at_start_ = false;
    if (mark == Mark::utf16 || mark == Mark::utf32) {
      throw Error(ErrorCode::malformed,
                  fmt::format("not UTF-8; iconv -f UTF-{} -t UTF-8{} makes it so", mark == Mark::utf16 ? 16 : 32,
                              from_file_ ? " " + quote(source_) : ""));
    }
    marked_ = mark == Mark::utf8;
    if (!marked_) return true;
    uncut_ -= utf8_mark.size();
    input_.used -= utf8_mark.size();
    std::memmove(start, start + utf8_mark.size(), uncut_);
    return true;
  }

  /// What to add to the number of the first piece in the buffer to get the number of the piece after the buffer: see
  /// Framing::piece().
  [[nodiscard]] std::uint64_t counted() const {
    return frames() ? input_.complete : input_.lengths.size() + input_.holes.size();
  }

  bool finish_stopped() {
    if (ends_by_silence()) end_open_piece();
    input_.used = input_.complete;
    hand_over_pieces();
    return false;
  }

  /// The buffer grows for a piece that is longer than a chunk.
  void make_room() {
    if (input_.buffer.size() == 0) {
      input_.buffer = Bytes(chunk_size_ + json_padding);
      return;
    }
    if (room() >= least_room() || any()) return;
    Bytes larger(input_.buffer.size() * 2);
    std::memcpy(larger.data(), input_.buffer.data(), input_.used);
    input_.buffer = std::move(larger);
  }

  /// Hands over what is complete. The rest moves to the start of the next chunk.
  bool hand_over_pieces() {
    if (!any() && !error_) return true;
    const std::string_view rest = input_.rest();
    Input next;
    next.buffer = Bytes(std::max(chunk_size_, rest.size() * 2) + json_padding);
    next.keep(rest);
    next.lengths.reserve(input_.lengths.size());
    next.fields = input_.fields;
    Chunk chunk;
    chunk.first = std::exchange(next_, next_ + counted());
    chunk.input = std::exchange(input_, std::move(next));
    chunk.source = source_;
    chunk.input_bytes = std::exchange(input_bytes_, 0);
    chunk.read = read_;
    chunk.reads = std::exchange(reads_, {});
    noted_ = 0;
    chunk.error = error_;
    chunk.number = chunks_++;
    chunk.marked = std::exchange(marked_, false);
    in_flight_.add();
    return hand_over_(std::move(chunk));
  }

  const PutCommand& command_;
  std::size_t chunk_size_ = chunk_size_of(command_);
  std::unique_ptr<Framer> framer_;
  const Clock& clock_;
  InFlight& in_flight_;
  std::stop_token stop_;
  const std::function<bool(Chunk)>& hand_over_;
  StopEvent stopping_;

  std::string source_;
  bool from_file_ = false;    ///< not from standard input
  bool at_start_ = false;     ///< of a file that may begin with a byte order mark
  bool marked_ = false;       ///< a mark was taken off the first piece in the buffer
  std::size_t uncut_ = 0;     ///< bytes that were read and not given to the framer
  std::uint64_t next_ = 1;    ///< the number of the first piece in the buffer
  std::uint64_t chunks_ = 0;  ///< how many were handed over
  Input input_;
  std::uint64_t input_bytes_ = 0;  ///< read since the last chunk was handed over
  std::uint64_t read_ = 0;         ///< read altogether
  ReadTimes reads_;                ///< of the pieces in the buffer
  std::size_t noted_ = 0;          ///< the number of these pieces
  Duration first_piece_at_{};      ///< when the first piece in the buffer was complete
  Duration last_read_at_{};
  std::optional<Error> error_;
};

}  // namespace

std::size_t chunk_size_of(const PutCommand& command) {
  if (command.rate) return chunk_size_at_a_rate;
  return std::clamp(command.paced.value_or(usual_chunk_size), chunk_size_at_a_rate, usual_chunk_size);
}

bool read_chunks(const PutCommand& command, std::uint64_t max_record_size, const Clock& clock, InFlight& in_flight,
                 const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over) {
  ChunkReader reader(command, max_record_size, clock, in_flight, stop, hand_over);
  return std::ranges::all_of(command.files, [&](const std::string& file) { return reader.read(file); });
}

}  // namespace shardlog::cli
