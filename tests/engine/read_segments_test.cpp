#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "engine/segment_forger.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::any_budget;
using test::data_of;
using test::drain_with_gaps;
using test::read;
using test::refusal;
using test::SegmentForger;

/// Six batches of two records, in turn of two shards: the payloads of the first two in one segment, those of the fourth
/// and fifth in another, the rest in the database.
class Segments : public test::StreamTest {
 protected:
  Segments() {
    create(2);
    {
      const auto writer = open_to_write();
      for (std::uint32_t i = 0; i < 6; ++i) {
        const std::string number = std::to_string(i + 1);
        put(*writer, i % 2, {number + "a", number + "b"}, Sync::normal);
      }
    }
    SegmentForger forger(path_);
    forger.move(1, 2, 1);
    forger.move(4, 5, 12'345'678'901, false);
  }

  [[nodiscard]] std::string segment(std::int64_t id) const { return SegmentForger(path_).file(id); }

  /// Changes the file of a segment at a place.
  void overwrite(std::int64_t id, std::streamoff at, const std::string& bytes) const {
    std::fstream file(segment(id), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at);
    file << bytes;
  }

  /// Trims the batches up to this one, as another process would.
  void trim(std::int64_t batch) {
    SegmentForger forger(path_);
    forger.exec("BEGIN");
    forger.exec("DELETE FROM batches WHERE id <= " + std::to_string(batch));
    forger.exec(fmt::format("UPDATE trim_horizon SET batch = {}, arrived_at = {}, tails = x'{}'", batch,
                            clock_.now().time_since_epoch().count(), tails_after(batch)));
    forger.seal("trim_horizon");
    forger.exec("COMMIT");
  }

  /// Of batches of two records of two bytes each, in turn of two shards: shard, next sequence, records, bytes, appends,
  /// how much earlier the last one arrived.
  static std::string tails_after(std::int64_t batch) {
    std::string tails;
    for (std::int64_t shard = 0; shard < 2; ++shard) {
      const std::int64_t appends = (batch + 1 - shard) / 2;
      for (const std::int64_t number : {std::int64_t{0}, 2 * appends + 1, 2 * appends, 4 * appends, appends}) {
        tails += fmt::format("{:02x}", number);
      }
      tails += "00";
    }
    return tails;
  }

  /// What is delivered before damage, and its message, which is told again and again.
  std::pair<Lines, std::string> until_damage(std::size_t budget) {
    const auto stream = open_to_read();
    const auto reader = stream->read({});
    Lines before;
    std::string message;
    for (int calls = 0; message.empty() && calls < 100; ++calls) {
      try {
        std::vector<test::Delivered> records;
        add_to(records, reader->next(budget).batches);
        for (const auto& record : records) before.push_back(record.data);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
        message = error.what();
      }
    }
    EXPECT_EQ(refusal([&] { reader->next(budget); }), ErrorCode::corrupt);
    return {before, message};
  }

  void expect_damage_after(const Lines& before, const std::string& message) {
    for (const std::size_t budget : {std::size_t{1}, any_budget}) {
      const auto [delivered, told] = until_damage(budget);
      EXPECT_EQ(delivered, before) << budget;
      EXPECT_NE(told.find(message), std::string::npos) << told;
    }
    const Lines found = findings(*open_to_read());
    ASSERT_FALSE(found.empty());
    EXPECT_TRUE(std::ranges::any_of(found, [&](const auto& each) { return each.find(message) != std::string::npos; }))
        << found.front();
  }

  const Lines all_{"1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b", "5a", "5b", "6a", "6b"};
  const Lines first_three_{"1a", "1b", "2a", "2b", "3a", "3b"};
};

TEST_F(Segments, AreReadTogetherWithWhatIsInTheDatabase) {
  const auto stream = open_to_read();
  EXPECT_EQ(data_of(read(*stream)), all_);
  EXPECT_EQ(data_of(read(*stream, {}, 1)), all_) << "one by one";
  EXPECT_EQ(data_of(read(*stream, {.shards = {ShardId(1)}})), (Lines{"2a", "2b", "4a", "4b", "6a", "6b"}));
  EXPECT_EQ(findings(*stream), Lines{});
  EXPECT_EQ(stream->maintenance().verify([](double) { return true; }).unused, Lines{});
}

TEST_F(Segments, CountAsStored) {
  const auto database_and_log = std::filesystem::file_size(file("stream.db")) + log_size();
  const auto segments = std::filesystem::file_size(segment(1)) + std::filesystem::file_size(segment(12'345'678'901));
  EXPECT_EQ(open_to_read()->maintenance().statistics(Detail::load).stored_bytes, database_and_log + segments);
}

TEST_F(Segments, AreRefusedWithoutTheFeatureAndTheFeatureWithoutTheTable) {
  {
    SegmentForger forger(path_);
    forger.exec("DELETE FROM settings WHERE name = 'feature:segments'");
    forger.seal("settings");
  }
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt);
  {
    SegmentForger forger(path_);
    forger.exec("INSERT INTO settings VALUES ('feature:segments', 'incompatible')");
    forger.seal("settings");
    forger.exec("DROP TABLE segments");
  }
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt);
}

TEST_F(Segments, WithAChangedByteStopTheReaderBeforeIt) {
  overwrite(12'345'678'901, 40, "!");
  expect_damage_after(first_three_, "batch 4");
}

TEST_F(Segments, ThatHoldZerosStopTheReaderBeforeThem) {
  overwrite(12'345'678'901, 0, std::string(64, '\0'));
  expect_damage_after(first_three_, "batch 4");
}

TEST_F(Segments, ThatAreCutOffStopTheReaderThere) {
  const auto size = std::filesystem::file_size(segment(12'345'678'901));
  std::filesystem::resize_file(segment(12'345'678'901), size - 1);
  Lines before = first_three_;
  before.insert(before.end(), {"4a", "4b"});
  expect_damage_after(before, "batch 5: stream.12345678901 is cut off");
}

TEST_F(Segments, ThatAreMissingStopTheReaderThere) {
  std::filesystem::remove(segment(12'345'678'901));
  expect_damage_after(first_three_, "batch 4: stream.12345678901 is missing");
}

TEST_F(Segments, ThatAreLinksAreRefused) {
  std::filesystem::rename(segment(1), path_ + "/elsewhere");
  std::filesystem::create_symlink("elsewhere", segment(1));
  expect_damage_after({}, "stream.00000001 is a symbolic link");
  std::filesystem::remove(segment(1));
  std::filesystem::create_hard_link(path_ + "/elsewhere", segment(1));
  expect_damage_after({}, "stream.00000001 is not a regular file with one name");
  std::filesystem::remove(segment(1));
  ASSERT_EQ(::mkfifo(segment(1).c_str(), S_IRUSR | S_IWUSR), 0);
  expect_damage_after({}, "stream.00000001 is not a regular file with one name");
}

TEST_F(Segments, WithAPlaceOfAnotherBatchStopTheReader) {
  test::RawDatabase(path_).exec("UPDATE batches SET payload = (SELECT payload FROM batches WHERE id = 5) WHERE id = 4");
  expect_damage_after(first_three_, "batch 4: the place of its payload: checksum mismatch");
}

TEST_F(Segments, WithAPlaceOutOfBoundsStopTheReader) {
  SegmentForger(path_).point(4, 1, -1, 64);
  expect_damage_after(first_three_, "batch 4: the place of its payload is -1");
  SegmentForger(path_).point(4, 1, 0, 0xffffffff);
  expect_damage_after(first_three_, "batch 4: the size of its payload is 4294967295");
  SegmentForger(path_).point(4, 0, 0, 64);
  expect_damage_after(first_three_, "batch 4: segment is 0");
}

TEST_F(Segments, WhoseRowsAreWrongAreFoundByVerify) {
  struct Case {
    std::string change;
    bool forged;
    std::string finding;
  };
  const std::array cases{
      Case{"UPDATE segments SET end = end + 1 WHERE id = 1", false, "segment 1: checksum mismatch"},
      Case{"UPDATE segments SET sealed = 2 WHERE id = 1", true, "segment 1: sealed is 2"},
      Case{"UPDATE segments SET end = end + 1 WHERE id = 1", true, "stream.00000001 has"},
      Case{"UPDATE segments SET end = end - 1 WHERE id = 1", true,
           "batch 2: stream.00000001 is not known to hold its payload"},
      Case{"UPDATE segments SET last_batch = 1 WHERE id = 1", true,
           "batch 2: stream.00000001 is not known to hold its payload"},
      Case{"DELETE FROM segments WHERE id = 1", true, "batch 1: stream.00000001 is not known to hold its payload"}};
  for (const Case& each : cases) {
    SegmentForger forger(path_);
    forger.exec("CREATE TEMP TABLE kept AS SELECT * FROM segments");
    forger.exec(each.change);
    if (each.forged) forger.seal("segments");
    const Lines found = findings(*open_to_read());
    ASSERT_FALSE(found.empty()) << each.finding;
    EXPECT_EQ(found.front().find(each.finding), 0U) << found.front();
    forger.exec("DELETE FROM segments; INSERT INTO segments SELECT * FROM kept");
  }
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(Segments, OfWhichNoRowTellsAreNamedAndAreNoDamage) {
  std::ofstream(segment(2)) << "left over";
  std::ofstream(segment(3)) << "left over";
  SegmentForger forger(path_);
  forger.exec("INSERT INTO segments VALUES (3, 0, 1, 0, 0), (4, 0, 0, 0, 0)");  // the second lacks its file
  forger.seal("segments");
  for (const char* const other : {"stream.0000005", "stream.000000006", "stream.00000000", "stream.db-7"}) {
    std::ofstream(path_ + "/" + other) << "not a segment";
  }
  const VerifyReport report = open_to_read()->maintenance().verify([](double) { return true; });
  EXPECT_EQ(report.findings, Lines{});
  EXPECT_EQ(report.unused, (Lines{"stream.00000002", "stream.00000003"}));
}

TEST_F(Segments, WithBytesThatNoCommitHasAreNamed) {
  const auto unused = [&] { return open_to_read()->maintenance().verify([](double) { return true; }).unused; };
  constexpr std::uintmax_t boundary = 2 * 4096;  // the second payload in a segment begins at 4096, and is small
  std::filesystem::resize_file(segment(1), boundary);
  EXPECT_EQ(unused(), Lines{});
  std::filesystem::resize_file(segment(1), boundary + 1);
  std::filesystem::resize_file(segment(12'345'678'901), boundary + 1000);
  std::ofstream(segment(2)) << "staged in a new one";
  SegmentForger forger(path_);
  forger.exec("INSERT INTO segments VALUES (2, 0, 0, 0, 0)");
  forger.seal("segments");
  EXPECT_EQ(unused(), (Lines{"the last byte of stream.00000001", "stream.00000002",
                             "the last 1000 bytes of stream.12345678901"}));
  const int held = ::open(segment(12'345'678'901).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(unused(), (Lines{"the last byte of stream.00000001", "stream.00000002"})) << "somebody stages there";
  ::close(held);
}

TEST_F(Segments, ThatAreBeingMadeAreNotNamedAsUnused) {
  std::ofstream(segment(2)) << "its row is not committed yet";
  const int held = ::open(segment(2).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  const auto unused = [&] { return open_to_read()->maintenance().verify([](double) { return true; }).unused; };
  EXPECT_EQ(unused(), Lines{});
  ::close(held);
  EXPECT_EQ(unused(), Lines{"stream.00000002"});
}

/// A stream whose directory has this mode, and whose files everybody may read and write. Root may do everything, so
/// this thread becomes another user meanwhile.
class Restricted {
 public:
  Restricted(const std::string& parent, std::string stream, mode_t mode) : stream_(std::move(stream)) {
    EXPECT_EQ(::chmod(parent.c_str(), S_IRWXU | S_IXGRP | S_IXOTH), 0);
    for (const auto& entry : std::filesystem::directory_iterator(stream_)) {
      std::filesystem::permissions(entry.path(), std::filesystem::perms(0666));
    }
    EXPECT_EQ(::chmod(stream_.c_str(), mode), 0);
    if (root_) ::syscall(SYS_setresuid, nobody, nobody, 0);
  }
  Restricted(const Restricted&) = delete;
  Restricted& operator=(const Restricted&) = delete;
  ~Restricted() {
    if (root_) ::syscall(SYS_setresuid, 0, 0, 0);
    ::chmod(stream_.c_str(), S_IRWXU);
  }

 private:
  static constexpr long nobody = 65534;
  bool root_ = ::geteuid() == 0;
  std::string stream_;
};

/// Names may be looked up and made, but not listed.
constexpr mode_t not_listed = 0333;

TEST_F(Segments, InADirectoryThatMayNotBeListedAreCheckedAndTheNextCommitsAreRows) {
  const std::filesystem::path last = segment(12'345'678'901);
  const auto size = std::filesystem::file_size(last);
  {
    const Restricted restricted(directory_.path(), path_, not_listed);
    const VerifyReport report = open_to_read()->maintenance().verify([](double) { return true; });
    EXPECT_EQ(report.findings, Lines{});
    EXPECT_EQ(report.unused, Lines{});
    put(*open_to_write(), 0, {std::string(4 * test::mebibyte, 'x')});
    open_to_write()->maintenance().update({});
  }
  EXPECT_GT(test::RawDatabase(path_).number("SELECT length(payload) FROM batches WHERE id = 7"), 32);
  std::filesystem::resize_file(last, size - 1);
  const Restricted restricted(directory_.path(), path_, not_listed);
  const Lines found = findings(*open_to_read());
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().find("stream.12345678901 has"), 0U) << found.front();
}

TEST_F(Segments, ThatThisUserMayNotReadAreNoFindings) {
  const std::string unreadable = segment(1);
  const Restricted restricted(directory_.path(), path_, 0777);
  const std::string copy = path_ + "/copy";  // only an owner may change a mode
  std::filesystem::copy_file(unreadable, copy);
  std::filesystem::permissions(copy, std::filesystem::perms::none);
  std::filesystem::rename(copy, unreadable);
  const auto stream = open_to_read();
  EXPECT_EQ(refusal([&] { findings(*stream); }), ErrorCode::permission);
}

/// How many descriptors of this process are of a file whose path contains this.
std::ptrdiff_t open_files(const std::string& part) {
  return std::ranges::count_if(std::filesystem::directory_iterator("/proc/self/fd"), [&](const auto& entry) {
    std::error_code gone;
    return std::filesystem::read_symlink(entry.path(), gone).string().find(part) != std::string::npos;
  });
}

TEST_F(Segments, AreNotHeldBetweenTheCallsOfAReader) {
  const auto stream = open_to_read();
  const auto reader = stream->read({.shards = {}, .until = {}, .follow = true});
  const auto held = [this] { return open_files(path_ + "/stream.0") + open_files(path_ + "/stream.1"); };
  for (std::size_t batches = 1; batches <= all_.size() / 2; ++batches) {
    ASSERT_EQ(reader->next(1).batches.size(), 1U);
    EXPECT_EQ(held(), 0) << "after batch " << batches << ": its space would not come back when it is trimmed";
  }
  EXPECT_EQ(test::drain(*reader).size(), 0U);
  EXPECT_EQ(held(), 0);
}

TEST_F(Segments, AreNotHeldBetweenThePiecesOfAVerification) {
  std::ptrdiff_t held = 0;
  int calls = 0;
  put(*open_to_write(), 0, {std::string(4 * test::mebibyte, 'x')});  // fills the first piece
  put(*open_to_write(), 0, {"7"});
  open_to_read()->maintenance().verify([&](double) {
    ++calls;
    held += open_files(path_ + "/stream.0") + open_files(path_ + "/stream.1");
    return true;
  });
  EXPECT_GT(calls, 0);
  EXPECT_EQ(held, 0);
}

/// A clock that does something once, when it is asked for the time. A reader asks in its snapshot.
class ClockWithHook final : public Clock {
 public:
  ClockWithHook(const Clock& clock, std::function<void()> hook) : clock_(clock), hook_(std::move(hook)) {}

  [[nodiscard]] Timestamp now() const override {
    if (const auto hook = std::exchange(hook_, nullptr)) hook();
    return clock_.now();
  }
  [[nodiscard]] Duration elapsed() const override { return clock_.elapsed(); }

  void set(std::function<void()> hook) { hook_ = std::move(hook); }

 private:
  const Clock& clock_;
  mutable std::function<void()> hook_;
};

/// A clock that does something once, when it is asked for an interval for the nth time. Each snapshot asks once, just
/// before it begins.
class ClockOfSnapshots final : public Clock {
 public:
  explicit ClockOfSnapshots(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] Timestamp now() const override { return clock_.now(); }
  [[nodiscard]] Duration elapsed() const override {
    if (left_ > 0 && --left_ == 0) hook_();
    return clock_.elapsed();
  }

  void set(int snapshot, std::function<void()> hook) {
    left_ = snapshot;
    hook_ = std::move(hook);
  }

 private:
  const Clock& clock_;
  mutable int left_ = 0;
  std::function<void()> hook_;
};

TEST_F(Segments, OfAStreamThatIsRemovedAtAnyMomentOfItsVerificationAreNoFindings) {
  const std::string removed = directory_.path() + "/removed";
  const std::string unlinked = directory_.path() + "/unlinked";
  bool is_removed = true;
  int snapshots = 0;
  for (; is_removed && snapshots < 100; ++snapshots) {
    ClockOfSnapshots clock(clock_);
    auto stream = shardlog::open(path_, {Access::read}, clock);
    is_removed = false;
    clock.set(snapshots + 1, [&] {
      is_removed = true;
      std::filesystem::rename(path_, removed);
      std::filesystem::rename(removed + "/stream.00000001", unlinked);
    });
    const auto code = refusal([&] { EXPECT_EQ(findings(*stream), Lines{}) << snapshots; });
    EXPECT_EQ(code, is_removed ? std::optional(ErrorCode::not_found) : std::nullopt) << snapshots;
    stream.reset();
    if (!is_removed) continue;
    std::filesystem::rename(unlinked, removed + "/stream.00000001");
    std::filesystem::rename(removed, path_);
  }
  EXPECT_FALSE(is_removed);
  EXPECT_GT(snapshots, 5) << "at least one for each part";
}

TEST_F(Segments, ThatAreTrimmedAfterTheSnapshotAreAGap) {
  ClockWithHook clock(clock_, nullptr);
  const auto stream = shardlog::open(path_, {Access::read}, clock);
  const auto reader = stream->read({});
  clock.set([&] {
    std::filesystem::remove(segment(1));
    std::filesystem::remove(segment(12'345'678'901));
    trim(5);
  });
  EXPECT_EQ(drain_with_gaps(*reader), (Lines{"0:1-6", "1:1-4", "6a", "6b"}));
}

TEST_F(Segments, OfAStreamThatIsRemovedAfterTheSnapshotAreNotDamaged) {
  ClockWithHook clock(clock_, nullptr);
  const auto stream = shardlog::open(path_, {Access::read}, clock);
  const auto reader = stream->read({});
  clock.set([&] {
    const std::string removed = directory_.path() + "/removed";
    std::filesystem::rename(path_, removed);
    std::filesystem::remove(removed + "/stream.00000001");
  });
  EXPECT_EQ(refusal([&] { reader->next(any_budget); }), ErrorCode::not_found);
}

TEST_F(Segments, ThatAreTrimmedWhileTheLastBatchIsReadDoNotEndTheReadBeforeTheGap) {
  ClockWithHook clock(clock_, nullptr);
  const auto stream = shardlog::open(path_, {Access::read}, clock);
  const auto reader = stream->read({.shards = {ShardId(0)}, .until = AtSequence{SequenceNumber(3)}});
  clock.set([&] {
    std::filesystem::remove(segment(1));
    trim(2);
  });
  EXPECT_EQ(drain_with_gaps(*reader), (Lines{"0:1-2"}));
}

TEST_F(Segments, ThatAreOpenWhenTheyAreTrimmedAreReadToTheirEndOrAreAGap) {
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  const ReadResult first = reader->next(1);
  ASSERT_EQ(first.batches.size(), 1U);
  std::filesystem::remove(segment(1));
  trim(2);
  EXPECT_EQ(drain_with_gaps(*reader), (Lines{"1:1-2", "3a", "3b", "4a", "4b", "5a", "5b", "6a", "6b"}));
}

}  // namespace
}  // namespace shardlog
