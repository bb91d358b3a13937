#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "support/stream_test.h"

namespace shardlog {
namespace {

/// The open descriptors of this process and what they stand for, without the one that it takes to list them.
std::map<int, std::string> descriptors() {
  std::map<int, std::string> listed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    listed.emplace(std::stoi(entry.path().filename().string()), std::filesystem::read_symlink(entry.path(), gone));
  }
  std::erase_if(listed, [](const auto& descriptor) { return ::fcntl(descriptor.first, F_GETFD) < 0; });
  return listed;
}

class Descriptors : public test::StreamTest {
 protected:
  Descriptors() { create(); }
};

TEST_F(Descriptors, AreClosedOnExec) {
  const auto before = descriptors();
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto reader = writer->read({.follow = true});
  std::size_t opened = 0;
  for (const auto& [number, target] : descriptors()) {
    if (before.contains(number)) continue;
    ++opened;
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_GE(opened, 6U) << "the database, its log and index, the lock, and what a follower waits for";
}

TEST_F(Descriptors, AreClosedWithTheStream) {
  lines();
  const auto before = descriptors().size();
  for (int i = 0; i < 10; ++i) {
    const auto writer = open_to_write();
    put(*writer, 0, {"a"}, Sync::normal);
    writer->read({.follow = true})->next(1);
  }
  EXPECT_EQ(descriptors().size(), before);
}

TEST_F(Descriptors, AreClosedIfTheStreamIsRefused) {
  std::filesystem::resize_file(file("stream.db"), 0);
  const auto before = descriptors().size();
  for (int i = 0; i < 10; ++i) EXPECT_THROW(open_to_read(), Error);
  EXPECT_EQ(descriptors().size(), before);
}

}  // namespace
}  // namespace shardlog
