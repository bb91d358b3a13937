#include "shardlog/sqlite/page_pinner.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace shardlog::sqlite {

namespace {

/// Empty if the user may have no more pipes of that size.
std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  if (::fcntl(pipe.in.get(), F_SETPIPE_SZ, Pipe::size) < Pipe::size) return std::nullopt;
  return pipe;
}

/// Returns how many bytes fitted. A page with one byte of them takes as much room as a full one.
std::size_t pin(int file, std::int64_t at, std::size_t size, const Pipe& pipe) {
  std::size_t done = 0;
  while (done < size) {
    off64_t from = at + static_cast<std::int64_t>(done);
    const ssize_t moved = ::splice(file, &from, pipe.in.get(), nullptr, size - done, SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) break;
    done += static_cast<std::size_t>(moved);
  }
  return done;
}

bool read_whole(int pipe, std::span<char> to) {
  while (!to.empty()) {
    const ssize_t got = ::read(pipe, to.data(), to.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

std::shared_ptr<PinnedPages> PagePinner::read(int file, std::int64_t at, std::span<char> to) {
  // Nothing is ever written into these pipes. A write may go on in the last page of a pipe, and Linux before 5.16.11
  // could take a page of the file for such a page if a write had been there before ("Dirty Pipe").
  std::optional<Pipe> pages = make_pipe();
  std::optional<Pipe> copies = copies_ ? std::exchange(copies_, std::nullopt) : make_pipe();
  if (!pages || !copies) return nullptr;
  const std::size_t size = pin(file, at, to.size(), *pages);
  if (size == 0) return nullptr;
  const ssize_t copied = ::tee(pages->out.get(), copies->in.get(), size, SPLICE_F_NONBLOCK);
  if (!std::cmp_equal(copied, size) || !read_whole(copies->out.get(), to.first(size))) return nullptr;
  copies_ = std::move(copies);
  return std::make_shared<PinnedPages>(pages->out.release(), size);
}

}  // namespace shardlog::sqlite
