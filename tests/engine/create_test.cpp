#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <barrier>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "engine/watched_vfs.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::DatabaseFile;
using test::FileCall;
using test::refusal;

class Create : public test::StreamTest {
 protected:
  ~Create() override { ::umask(mask_); }

  std::optional<ErrorCode> refused(const std::string& name, const CreateOptions& options = {}) {
    return refusal([&] { shardlog::create(directory_.path() + "/" + name, options, clock_); });
  }

  static CreateOptions for_group(const std::string& name) {
    CreateOptions options;
    options.group = name;
    return options;
  }

  static mode_t mode_of(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777;
  }

  [[nodiscard]] std::size_t entries() const {
    const auto all = std::filesystem::directory_iterator(directory_.path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  mode_t mask_ = ::umask(022);
};

TEST_F(Create, GivesTheStreamToItsOwnerAlone) {
  ::umask(0);
  create();
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(mode_of(path_), 0700U);
  for (const std::string name : {"lock", "stream.db", "stream.db-wal", "stream.db-shm"}) {
    EXPECT_EQ(mode_of(file(name)), 0600U) << name;
  }
}

TEST_F(Create, GivesTheStreamToItsOwnerWhateverTheUmask) {
  ::umask(0777);
  create();
  ::umask(022);
  EXPECT_EQ(mode_of(path_), 0700U);
  EXPECT_EQ(mode_of(file("lock")), 0600U);
  EXPECT_EQ(mode_of(file("stream.db")), 0600U);
}

TEST_F(Create, SharesTheStreamWithAGroup) {
  ::umask(077);
  const group* const own = ::getgrgid(::getegid());  // NOLINT(concurrency-mt-unsafe): there is one thread
  if (own == nullptr) GTEST_SKIP() << "the group has no name";
  shardlog::create(path_, for_group(own->gr_name), clock_);
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(mode_of(path_), 02770U);
  for (const std::string name : {"lock", "stream.db", "stream.db-wal", "stream.db-shm"}) {
    EXPECT_EQ(mode_of(file(name)), 0660U) << name;
  }
}

TEST_F(Create, RefusesAGroupThatDoesNotExist) {
  EXPECT_EQ(refused("orders", for_group("no-such-group")), ErrorCode::usage);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(Create, LeavesTheStreamAndNothingBesideIt) {
  create();
  EXPECT_EQ(entries(), 1U);
  EXPECT_TRUE(std::filesystem::is_empty(file("lock")));
  EXPECT_EQ(log_size(), 0U);
}

TEST_F(Create, TakesNamesOfOneTo128Characters) {
  EXPECT_EQ(refused("a"), std::nullopt);
  EXPECT_EQ(refused(std::string(128, 'b')), std::nullopt);
  EXPECT_EQ(refused(std::string(129, 'b')), ErrorCode::usage);
}

TEST_F(Create, TakesEveryCharacterOfANameThatKinesisTakes) {
  EXPECT_EQ(refused("azAZ09_.-"), std::nullopt);
  for (const std::string name : {"a b", "a:b", "a+b", "\xc3\xa4", "a\n", "a\x7f"}) {
    EXPECT_EQ(refused(name), ErrorCode::usage) << name;
  }
}

TEST_F(Create, RefusesBadNames) {
  for (const std::string name : {".", ".."}) EXPECT_EQ(refused(name), ErrorCode::usage) << name;
  EXPECT_EQ(refusal([&] { shardlog::create("", {}, clock_); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { shardlog::create("/", {}, clock_); }), ErrorCode::usage);
}

TEST_F(Create, RefusesAnUnknownScheme) {
  EXPECT_EQ(refusal([&] { shardlog::create("no-such-engine:orders", {}, clock_); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { shardlog::open("no-such-engine:orders", {}, clock_); }), ErrorCode::usage);
}

TEST_F(Create, IgnoresSlashesAtTheEnd) {
  EXPECT_EQ(refused("orders//"), std::nullopt);
  EXPECT_NO_THROW(open_to_read());
}

TEST_F(Create, RefusesNumbersOfShardsOutOfBounds) {
  EXPECT_EQ(refused("none", test::of_shards(0)), ErrorCode::usage);
  EXPECT_EQ(refused("more", test::of_shards(10'001)), ErrorCode::usage);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(Create, TakesTheMostShards) {
  create(10'000);
  EXPECT_EQ(open_to_read()->describe().map.open_shards().size(), 10'000U);
}

TEST_F(Create, RefusesSettingsOutOfBounds) {
  CreateOptions options;
  options.settings.max_record_size = 1023;
  EXPECT_EQ(refused("orders", options), ErrorCode::usage);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(Create, RefusesATakenNameWhateverHasIt) {
  create();
  const std::string uuid = open_to_read()->describe().uuid;
  EXPECT_EQ(refused("orders"), ErrorCode::exists);
  EXPECT_EQ(open_to_read()->describe().uuid, uuid);
  std::filesystem::create_directory(directory_.path() + "/directory");
  std::filesystem::create_symlink("nowhere", directory_.path() + "/dangling");
  std::filesystem::copy_file(file("lock"), directory_.path() + "/file");
  for (const std::string name : {"directory", "dangling", "file"}) {
    EXPECT_EQ(refused(name), ErrorCode::exists) << name;
  }
  EXPECT_EQ(entries(), 4U);
}

TEST_F(Create, LetsOneOfManyWin) {
  constexpr std::size_t threads = 4;
  std::vector<std::optional<ErrorCode>> outcomes(threads);
  std::barrier start(threads);
  {
    std::vector<std::jthread> creators;
    for (auto& outcome : outcomes) {
      creators.emplace_back([&] {
        start.arrive_and_wait();
        outcome = refused("orders");
      });
    }
  }
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), std::nullopt), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), ErrorCode::exists), threads - 1);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Create, RefusesAPlaceThatDoesNotExist) {
  EXPECT_EQ(refused("no-such-directory/orders"), ErrorCode::cannot_create);
}

TEST_F(Create, LeavesNothingIfItFailsHalfWay) {
  test::WatchedVfs vfs;
  for (const FileCall failing : {FileCall::write, FileCall::sync}) {
    for (const DatabaseFile where : {DatabaseFile::database, DatabaseFile::log}) {
      vfs.set_hook([=](DatabaseFile file, FileCall call) {
        return file == where && call == failing ? SQLITE_IOERR : SQLITE_OK;
      });
      EXPECT_EQ(refused("orders"), ErrorCode::cannot_create);
      EXPECT_EQ(entries(), 0U);
    }
  }
  vfs.set_hook(nullptr);
  EXPECT_EQ(refused("orders"), std::nullopt);
}

/// With x for a digit, y for one of the variant, and those of the version as they are (RFC 9562).
std::string shape_of(std::string uuid) {
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    const bool of_variant = i == 19 && std::string_view("89ab").find(uuid[i]) != std::string_view::npos;
    const bool digit = std::string_view("0123456789abcdef").find(uuid[i]) != std::string_view::npos;
    if (of_variant) {
      uuid[i] = 'y';
    } else if (digit && i != 14) {
      uuid[i] = 'x';
    }
  }
  return uuid;
}

TEST_F(Create, StoresWhatWasAskedFor) {
  CreateOptions options = test::of_shards(2);
  options.settings.max_record_size = 2048;
  options.settings.tags.emplace("team", "blue");
  shardlog::create(path_, options, clock_);
  const StreamDescription description = open_to_read()->describe();
  EXPECT_EQ(shape_of(description.uuid), "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx") << description.uuid;
  EXPECT_EQ(description.format_version, 1);
  EXPECT_EQ(description.created_at, clock_.now());
  EXPECT_EQ(description.settings.max_record_size, 2048U);
  EXPECT_EQ(description.settings.tags, (Tags{{"team", "blue"}}));
  EXPECT_EQ(description.turn, 0U);
}

TEST_F(Create, CutsTheKeySpaceIntoEvenShardsThatAreOpen) {
  create(4);
  const auto shards = open_to_read()->describe().map.shards();
  ASSERT_EQ(shards.size(), 4U);
  constexpr HashKey::Value quarter = HashKey::Value{1} << 126;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const Shard expected{ShardId(i), {HashKey(i * quarter), HashKey((i + 1) * quarter - 1)}, clock_.now()};
    EXPECT_EQ(shards[i], expected) << i;
  }
}

TEST_F(Create, StartsEveryShardAtSequenceOne) {
  create(3);
  const auto writer = open_to_write();
  for (std::uint32_t shard = 0; shard < 3; ++shard) EXPECT_EQ(put(*writer, shard, {"a"}), "1");
}

TEST_F(Create, GivesEveryStreamAnotherUuid) {
  create();
  const std::string uuid = open_to_read()->describe().uuid;
  std::filesystem::remove_all(path_);
  create();
  EXPECT_NE(open_to_read()->describe().uuid, uuid);
}

}  // namespace
}  // namespace shardlog
