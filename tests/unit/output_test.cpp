#include "tools/common/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>

namespace shardlog::cli {
namespace {

constexpr int wide = 1024 * 1024;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }

  std::array<int, 2> ends{};
};

/// Standard output is a pipe while it exists.
class OutputTest : public testing::Test {
 protected:
  OutputTest() : saved_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);  // what the test's own program has printed
    EXPECT_EQ(::dup2(pipe_.ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ::close(pipe_.ends[1]);
  }
  ~OutputTest() override { restore(); }

  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
    saved_ = -1;
  }

  /// Everything that was written.
  std::string written() {
    restore();
    return read_until_end(pipe_.ends[0]);
  }

  static std::string read_until_end(int pipe) {
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = ::read(pipe, piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

  [[nodiscard]] int reading_end() const { return pipe_.ends[0]; }

 private:
  Pipe pipe_;
  int saved_;
};

/// In a pipe, as those of a file would be.
struct Pages {
  explicit Pages(const std::string& bytes, std::size_t size) : pages(pipe.ends[0], size) {
    ::fcntl(pipe.ends[1], F_SETPIPE_SZ, wide);
    EXPECT_EQ(::write(pipe.ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(pipe.ends[1]);
  }

  Pipe pipe;
  PinnedPages pages;
};

// Pages and bytes are the same in a stream; here they differ, to show which of them goes out.

TEST_F(OutputTest, HandsOverPagesInPlaceOfTheBytesThatTheyAre) {
  ASSERT_TRUE(widen_output_pipe());
  Output output;
  output.write("before ");
  output.write("bytes and the rest", Pages("PAGES", 5).pages);
  output.write(" after");
  EXPECT_EQ(output.position(), 31);
  output.flush();
  EXPECT_EQ(written(), "before PAGES and the rest after");
}

TEST_F(OutputTest, HandsOverNoMoreThanThePagesAreToBe) {
  Output output;
  output.write("bytes and the rest", Pages("PAGES AND MORE", 5).pages);
  output.flush();
  EXPECT_EQ(written(), "PAGES and the rest");
}

TEST_F(OutputTest, WritesWhatCannotBeHandedOver) {
  Output output;
  output.write("bytes and the rest", Pages("PA", 5).pages);  // as if the kernel refused
  output.flush();
  EXPECT_EQ(written(), "PAtes and the rest");
}

TEST_F(OutputTest, WaitsForAReaderOfAPipeThatDoesNotBlock) {
  ASSERT_GE(::fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK), 0);
  const std::string bytes(300'000, 'x');
  auto read = std::async(std::launch::async, [this] { return read_until_end(reading_end()); });
  Output output;
  output.write(bytes, Pages(bytes, bytes.size()).pages);
  output.flush();
  restore();
  EXPECT_EQ(read.get(), bytes);
}

TEST_F(OutputTest, RaisesSigpipeWithoutAReader) {
  ::close(reading_end());
  const auto write = [] {
    Output output;
    output.write("bytes", Pages("PAGES", 5).pages);
    std::_Exit(0);
  };
  EXPECT_EXIT(write(), testing::KilledBySignal(SIGPIPE), "");
}

TEST_F(OutputTest, WidensAPipeAndNeverNarrowsIt) {
  EXPECT_TRUE(widen_output_pipe());
  EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETPIPE_SZ), wide);
  const bool may_have_more = ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 2 * wide) == 2 * wide;
  EXPECT_TRUE(widen_output_pipe());
  EXPECT_EQ(::fcntl(STDOUT_FILENO, F_GETPIPE_SZ), may_have_more ? 2 * wide : wide);
}

TEST_F(OutputTest, OfAnotherKindIsNotAWidePipe) {
  ASSERT_EQ(::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO), STDOUT_FILENO);
  EXPECT_FALSE(widen_output_pipe());
}

}  // namespace
}  // namespace shardlog::cli
