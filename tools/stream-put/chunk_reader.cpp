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

namespace shardlog::cli {

namespace {

constexpr std::size_t chunk_size = 4UL * 1024 * 1024;
constexpr std::size_t least_read = 64UL * 1024;  // a chunk with less room than this is full
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
  ChunkReader(const ReadLimits& limits, const Clock& clock, InFlight& in_flight, const std::stop_token& stop,
              const std::function<bool(Chunk)>& hand_over)
      : limits_(limits),
        clock_(clock),
        in_flight_(in_flight),
        stop_(stop),
        hand_over_(hand_over),
        stopped_(stop, [this] { stop_event_.notify(); }) {}

  /// False when nothing more is to be read.
  bool read(const std::string& file) {
    source_ = file == "-" ? "standard input" : file;
    line_ = 1;
    try {
      const Source source(file);
      return read_source(source);
    } catch (const Error& error) {
      error_ = InputError{error.code(), error.what()};
      hand_over_lines();
      return false;
    }
  }

 private:
  bool read_source(const Source& source) {
    while (true) {
      if (!wait(source)) return finish_stopped();
      if (room() < least_read && !lengths_.empty()) {
        if (!hand_over_lines()) return false;
        continue;
      }
      make_room();
      const ssize_t got = ::read(source.descriptor(), buffer_.data() + used_, room());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) throw Error(ErrorCode::io, system_error("read " + quote(source.name()), errno).what());
      if (got == 0) return finish_file();
      find_lines(static_cast<std::size_t>(got));
    }
  }

  /// Until there is input to read, handing over meanwhile what is complete as soon as it may go. False on a stop.
  bool wait(const Source& source) {
    while (true) {
      if (stop_.stop_requested()) return false;
      in_flight_.drain();
      const Duration waited = clock_.elapsed() - first_line_at_;
      const bool lines = !lengths_.empty();
      const bool lingered = waited >= limits_.linger;
      if (lines && lingered && in_flight_.none() && !hand_over_lines()) return false;
      std::array<pollfd, 3> files{{{source.descriptor(), POLLIN, 0},
                                   {stop_event_.get(), POLLIN, 0},
                                   {lines && lingered ? in_flight_.descriptor() : -1, POLLIN, 0}}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(limits_.linger - waited);
      const int timeout = lines && !lingered ? static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)) : -1;
      if (::poll(files.data(), files.size(), timeout) < 0 && errno != EINTR)
        throw system_error("wait for input", errno);
      if (files[0].revents != 0) return true;
    }
  }

  void find_lines(std::size_t got) {
    const char* const end = buffer_.data() + used_ + got;
    const char* at = buffer_.data() + used_;
    used_ += got;
    while (const char* const newline =
               static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
      end_line(static_cast<std::size_t>(newline - buffer_.data()));
      at = newline + 1;
    }
    if (used_ - complete_ > limits_.max_record_size) refuse_line();
  }

  void end_line(std::size_t newline) {
    const std::size_t length = newline - complete_;
    if (length > limits_.max_record_size) refuse_line();
    if (lengths_.empty()) first_line_at_ = clock_.elapsed();
    lengths_.push_back(static_cast<std::uint32_t>(length));
    complete_ = newline + 1;
  }

  [[noreturn]] void refuse_line() const {
    throw Error(ErrorCode::malformed, fmt::format("line {} of {}: over the stream's maximum record size of {} bytes",
                                                  line_ + lengths_.size(), quote(source_), limits_.max_record_size));
  }

  bool finish_file() {
    if (used_ > complete_) {
      make_room();
      buffer_.data()[used_++] = '\n';
      end_line(used_ - 1);
    }
    // The lines of several small files go together only where nothing waits for them; names in messages stay right.
    return hand_over_lines();
  }

  bool finish_stopped() {
    used_ = complete_;
    hand_over_lines();
    return false;
  }

  [[nodiscard]] std::size_t room() const { return buffer_.size() - used_; }

  /// For a line that is longer than a chunk the buffer grows up to the largest record.
  void make_room() {
    if (room() > 0 && (room() >= least_read || !lengths_.empty())) return;
    if (buffer_.size() == 0) {
      buffer_ = Bytes(chunk_size);
      return;
    }
    Bytes larger(buffer_.size() * 2);
    std::memcpy(larger.data(), buffer_.data(), used_);
    buffer_ = std::move(larger);
  }

  /// What is complete goes, what is not moves to the start of the next chunk.
  bool hand_over_lines() {
    if (lengths_.empty() && !error_) return true;
    const std::size_t rest = used_ - complete_;
    Bytes next(std::max(chunk_size, rest * 2));
    if (rest > 0) std::memcpy(next.data(), buffer_.data() + complete_, rest);
    const std::uint64_t lines = lengths_.size();
    Chunk chunk{
        std::exchange(buffer_, std::move(next)), complete_, std::exchange(lengths_, {}), source_, line_, error_};
    lengths_.reserve(lines);
    line_ += lines;
    complete_ = 0;
    used_ = rest;
    in_flight_.add();
    return hand_over_(std::move(chunk));
  }

  ReadLimits limits_;
  const Clock& clock_;
  InFlight& in_flight_;
  std::stop_token stop_;
  const std::function<bool(Chunk)>& hand_over_;
  EventDescriptor stop_event_;
  std::stop_callback<std::function<void()>> stopped_;

  std::string source_;
  std::uint64_t line_ = 1;  ///< the number of the first line in the buffer
  Bytes buffer_;
  std::size_t used_ = 0;
  std::size_t complete_ = 0;  ///< up to here the buffer holds complete lines
  std::vector<std::uint32_t> lengths_;
  Duration first_line_at_{};  ///< when the first line in the buffer was complete
  std::optional<InputError> error_;
};

}  // namespace

void InFlight::remove(std::size_t chunks) {
  if ((count_ -= chunks) == 0) none_left_.notify();
}

void read_chunks(const std::vector<std::string>& files, const ReadLimits& limits, const Clock& clock,
                 InFlight& in_flight, const std::stop_token& stop, const std::function<bool(Chunk)>& hand_over) {
  ChunkReader reader(limits, clock, in_flight, stop, hand_over);
  for (const std::string& file : files) {
    if (!reader.read(file)) return;
  }
}

}  // namespace shardlog::cli
