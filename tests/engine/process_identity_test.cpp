#include "shardlog/sqlite/process_identity.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "support/wait_until.h"

namespace shardlog::sqlite {
namespace {

using State = Liveness::State;

State state_of(const std::string& process) {
  return ProcessLiveness().state_of(process);
}

/// This process' identity with another pid, or start time.
std::string with_part(std::size_t part, const std::string& value) {
  std::string identity = ProcessLiveness().self();
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

TEST(ProcessIdentity, OfThisProcessIsAlive) {
  EXPECT_EQ(ProcessLiveness().self(), ProcessLiveness().self());
  EXPECT_EQ(state_of(ProcessLiveness().self()), State::alive);
  EXPECT_NE(state_of(ProcessLiveness().self()), State::gone);
  EXPECT_EQ(ProcessLiveness().describe(ProcessLiveness().self()), "pid " + std::to_string(::getpid()));
}

TEST(ProcessIdentity, OfAnotherProcessWithTheSamePidIsGone) {
  EXPECT_EQ(state_of(with_part(3, "1")), State::gone);
}

TEST(ProcessIdentity, OfAnUnusedPidIsGone) {
  EXPECT_EQ(state_of(with_part(2, "2147483647")), State::gone);
}

TEST(ProcessIdentity, OfAnotherBootOrNamespaceIsUnknown) {
  for (const std::size_t part : {0U, 1U}) {
    EXPECT_NE(state_of(with_part(part, "1")), State::gone);
    EXPECT_NE(state_of(with_part(part, "1")), State::alive);
  }
}

TEST(ProcessIdentity, ThatIsNotAnIdentityIsUnknown) {
  for (const std::string text : {"", "/", "///", "a/b/c/d/e", "worker"}) {
    EXPECT_NE(state_of(text), State::gone);
    EXPECT_NE(state_of(text), State::alive);
  }
  EXPECT_NE(state_of(with_part(2, "0")), State::gone);
  EXPECT_NE(state_of(with_part(2, "-1")), State::gone);
  EXPECT_NE(state_of(with_part(2, "x")), State::gone);
  EXPECT_EQ(ProcessLiveness().describe("worker"), "");
}

TEST(ProcessIdentity, OfAChildThatWaitsToBeReapedIsGone) {
  pid_t child = 0;
  std::string name = "sleep";
  std::string time = "1000";
  char* const arguments[] = {name.data(), time.data(), nullptr};
  ASSERT_EQ(::posix_spawnp(&child, name.c_str(), nullptr, nullptr, arguments, environ), 0);
  const std::string identity = identity_of(child);
  EXPECT_EQ(state_of(identity), State::alive);
  EXPECT_NE(state_of(identity), State::gone);
  ::kill(child, SIGKILL);
  EXPECT_TRUE(test::wait_until([&] { return state_of(identity) == State::gone; }));
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(state_of(identity), State::gone);
}

}  // namespace
}  // namespace shardlog::sqlite
