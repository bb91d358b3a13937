#include "shardlog/consumer/process_identity.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "engine/wait_until.h"

namespace shardlog::consumer {
namespace {

/// This process' identity with another pid, or start time.
std::string with_part(std::size_t part, const std::string& value) {
  std::string identity = process_identity();
  std::size_t from = 0;
  while (part-- > 0) from = identity.find('/', from) + 1;
  const std::size_t end = identity.find('/', from);
  return identity.replace(from, end == std::string::npos ? end : end - from, value);
}

/// Of a process whose name has no space in it.
std::string identity_of(pid_t child) {
  std::ifstream status("/proc/" + std::to_string(child) + "/stat");
  std::string field;
  for (int i = 0; i < 22; ++i) status >> field;  // proc_pid_stat(5): start time
  std::string identity = with_part(2, std::to_string(child));
  return identity.substr(0, identity.rfind('/') + 1) + field;
}

TEST(ProcessIdentity, OfThisProcessIsThere) {
  EXPECT_EQ(process_identity(), process_identity());
  EXPECT_TRUE(is_here(process_identity()));
  EXPECT_FALSE(is_gone(process_identity()));
  EXPECT_EQ(pid_of(process_identity()), std::to_string(::getpid()));
}

TEST(ProcessIdentity, OfAnotherProcessWithTheSamePidIsGone) {
  EXPECT_TRUE(is_gone(with_part(3, "1")));
}

TEST(ProcessIdentity, OfAPidThatNobodyHasIsGone) {
  EXPECT_TRUE(is_gone(with_part(2, "2147483647")));
}

TEST(ProcessIdentity, OfAnotherBootOrNamespaceIsUnknown) {
  for (const std::size_t part : {0U, 1U}) {
    EXPECT_FALSE(is_gone(with_part(part, "1")));
    EXPECT_FALSE(is_here(with_part(part, "1")));
  }
}

TEST(ProcessIdentity, ThatIsNoneIsUnknown) {
  for (const std::string text : {"", "/", "///", "a/b/c/d/e", "worker"}) {
    EXPECT_FALSE(is_gone(text));
    EXPECT_FALSE(is_here(text));
  }
  EXPECT_FALSE(is_gone(with_part(2, "0")));
  EXPECT_FALSE(is_gone(with_part(2, "-1")));
  EXPECT_FALSE(is_gone(with_part(2, "x")));
  EXPECT_EQ(pid_of("worker"), "");
}

TEST(ProcessIdentity, OfAChildThatWaitsToBeReapedIsGone) {
  pid_t child = 0;
  std::string name = "sleep";
  std::string time = "1000";
  char* const arguments[] = {name.data(), time.data(), nullptr};
  ASSERT_EQ(::posix_spawnp(&child, name.c_str(), nullptr, nullptr, arguments, environ), 0);
  const std::string identity = identity_of(child);
  EXPECT_TRUE(is_here(identity));
  EXPECT_FALSE(is_gone(identity));
  ::kill(child, SIGKILL);
  EXPECT_TRUE(test::wait_until([&] { return is_gone(identity); }));
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(is_gone(identity));
}

}  // namespace
}  // namespace shardlog::consumer
