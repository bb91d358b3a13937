#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/segment_forger.h"
#include "engine/watched_vfs.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace {

/// What the library is told to be free on the disk, in bytes; if it is empty, plenty.
std::function<std::uint64_t()>& free_on_disk() {
  static std::function<std::uint64_t()> bytes;
  return bytes;
}

/// Whether no file can be unlinked.
bool& nothing_goes() {
  static bool refused = false;
  return refused;
}

/// How many bytes were written to segments. After `most` of them, further writes fail: there is no room.
struct WrittenToSegments {
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> most = UINT64_MAX;
};

WrittenToSegments& written_to_segments() {
  static WrittenToSegments written;
  return written;
}

}  // namespace

/// Takes the place of that of the C library. Only segments are written so.
extern "C" ssize_t pwritev(int file, const iovec* parts, int count, off_t at) {
  if (written_to_segments().bytes >= written_to_segments().most) {
    errno = ENOSPC;
    return -1;
  }
  const auto written = static_cast<ssize_t>(::syscall(SYS_pwritev, file, parts, count, at, 0));
  if (written > 0) written_to_segments().bytes += static_cast<std::uint64_t>(written);
  return written;
}

/// Likewise.
extern "C" int unlinkat(int directory, const char* name, int flags) noexcept {
  if (!nothing_goes()) return static_cast<int>(::syscall(SYS_unlinkat, directory, name, flags));
  errno = EPERM;
  return -1;
}

/// Likewise. Only SegmentFiles asks it.
extern "C" int fstatvfs(int /*file*/, struct statvfs* facts) noexcept {
  constexpr std::uint64_t plenty = std::uint64_t{1} << 40U;
  *facts = {};
  facts->f_frsize = 1;
  facts->f_blocks = plenty;
  facts->f_bfree = free_on_disk() ? free_on_disk()() : plenty;
  facts->f_bavail = facts->f_bfree;
  return 0;
}

namespace shardlog {
namespace {

using test::append_all;
using test::batch_of;
using test::data_of;
using test::kibibyte;
using test::mebibyte;
using test::RawDatabase;
using test::read;
using test::refusal;
using test::SegmentForger;

constexpr std::size_t least_commit = 256 * kibibyte;
constexpr std::size_t least_input = 4 * mebibyte;
constexpr std::uint64_t least_bound = 1024 * mebibyte;

/// One record whose batch has a payload of exactly this size.
std::string record_for_payload(std::size_t payload) {
  const std::size_t overhead = batch_of(0, {std::string(1000, 'x')}).batch.payload.size() - 1000;
  return std::string(payload - overhead, 'x');
}

class WriteSegments : public test::StreamTest {
 protected:
  void TearDown() override {
    free_on_disk() = nullptr;
    nothing_goes() = false;
    written_to_segments().most = UINT64_MAX;
  }

  void create_bounded(std::uint64_t max_bytes, WhenFull when_full = WhenFull::block) {
    CreateOptions options;
    options.settings.max_bytes = max_bytes;
    options.settings.when_full = when_full;
    shardlog::create(path_, options, clock_);
  }

  /// A writer that may use a segment, and has one after this if `data` is empty.
  std::unique_ptr<Stream> writer_with_segment() {
    auto writer = open_to_write();
    put(*writer, 0, {std::string(least_input, 'a')});
    return writer;
  }

  /// The sizes of the segments, by their names.
  std::map<std::string, std::uintmax_t> segments() {
    std::map<std::string, std::uintmax_t> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("stream.db") && name != "lock") found.emplace(name, entry.file_size());
    }
    return found;
  }

  Lines names() {
    Lines names;
    for (const auto& [name, size] : segments()) names.push_back(name);
    return names;
  }

  /// The segment of each batch, 0 for one that is in the database, with a space after each.
  std::string places() {
    std::string places;
    RawDatabase database(path_);
    SQLite::Statement rows(database, "SELECT payload FROM batches ORDER BY id");
    while (rows.executeStep()) {
      const std::string payload = rows.getColumn(0).getString();
      places += fmt::format("{} ", payload.starts_with("SLRS") ? number_at(payload, 8) : 0);
    }
    return places;
  }

  /// Where each payload that is in a segment begins.
  std::vector<std::int64_t> beginnings() {
    std::vector<std::int64_t> beginnings;
    RawDatabase database(path_);
    SQLite::Statement rows(database, "SELECT payload FROM batches WHERE length(payload) = 32 ORDER BY id");
    while (rows.executeStep()) beginnings.push_back(number_at(rows.getColumn(0).getString(), 16));
    return beginnings;
  }

  static std::int64_t number_at(const std::string& bytes, std::size_t at) {
    std::int64_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
  }

  std::int64_t number(const std::string& query) { return RawDatabase(path_).number(query); }

  /// Where the first segment must end, so that its last block is not written again.
  std::uintmax_t boundary_after_end() {
    const std::int64_t end = number("SELECT end FROM segments WHERE id = 1");
    return static_cast<std::uintmax_t>((end + 4095) / 4096 * 4096);
  }

  /// What is read, by the first bytes of each record and its size.
  Lines shapes() {
    Lines shapes;
    for (const std::string& data : lines()) shapes.push_back(fmt::format("{}*{}", data.substr(0, 1), data.size()));
    return shapes;
  }

  void expect_sound() {
    const VerifyReport report = open_to_read()->maintenance().verify([](double) { return true; });
    EXPECT_EQ(report.findings, Lines{});
    EXPECT_EQ(report.unused, Lines{});
  }
};

TEST_F(WriteSegments, BeginWithFourMebibytesOfAProcess) {
  create();
  const auto writer = open_to_write();
  for (int i = 0; i < 3; ++i) put(*writer, 0, {record_for_payload(mebibyte)});
  put(*writer, 0, {record_for_payload(mebibyte - 1)});
  EXPECT_EQ(names(), Lines{}) << "one byte less";
  put(*writer, 0, {record_for_payload(mebibyte)});
  EXPECT_EQ(names(), Lines{"stream.00000001"});
  EXPECT_EQ(places(), "0 0 0 0 1 ");
  put(*open_to_write(), 0, {std::string(mebibyte, 'x')});
  EXPECT_EQ(places(), "0 0 0 0 1 0 ") << "another process counts for itself";
  expect_sound();
}

TEST_F(WriteSegments, TakeAFirstCommitOfFourMebibytes) {
  create();
  put(*open_to_write(), 0, {record_for_payload(least_input)});
  EXPECT_EQ(places(), "1 ");
  expect_sound();
}

TEST_F(WriteSegments, TakeCommitsFrom256KibibytesOn) {
  create(3);
  const auto writer = writer_with_segment();
  put(*writer, 0, {record_for_payload(least_commit - 1)});
  put(*writer, 0, {record_for_payload(least_commit)});
  EXPECT_EQ(places(), "1 0 1 ");
  std::vector<RoutedBatch> small;
  for (std::uint32_t i = 0; i < 20; ++i) small.push_back(batch_of(i % 3, {record_for_payload(least_commit / 20 + 1)}));
  append_all(*writer, small, Sync::full);
  EXPECT_EQ(places().substr(6), "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ") << "the commit counts, not the batch";
  expect_sound();
}

TEST_F(WriteSegments, AreReadBackWhatIsBetweenThemToo) {
  create();
  {
    const auto writer = writer_with_segment();
    put(*writer, 0, {"b"});
    put(*writer, 0, {std::string(mebibyte + 7, 'c'), "d"}, Sync::normal);
    put(*writer, 0, {"e"});
  }
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "b*1", "c*1048583", "d*1", "e*1"}));
  expect_sound();
}

TEST_F(WriteSegments, BeginEachCommitAtABoundary) {
  create(2);
  const auto writer = writer_with_segment();
  const std::array two{batch_of(0, {std::string(300'001, 'b')}), batch_of(1, {std::string(5, 'c')})};
  append_all(*writer, two, Sync::full);
  put(*writer, 0, {std::string(300'000, 'd')});
  const auto at = beginnings();
  ASSERT_EQ(at.size(), 4U);
  EXPECT_EQ(at[0], 0);
  EXPECT_EQ(at[1] % 4096, 0);
  EXPECT_EQ(at[2] - at[1], static_cast<std::int64_t>(two[0].batch.payload.size())) << "in one commit without a hole";
  EXPECT_EQ(at[3] % 4096, 0);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  expect_sound();
}

TEST_F(WriteSegments, AreTakenOverAtTheirEndAndAtTheBoundaryAfterIt) {
  create();
  writer_with_segment();
  const auto end = static_cast<std::uintmax_t>(number("SELECT end FROM segments"));
  ASSERT_LT(end, boundary_after_end());
  std::filesystem::resize_file(file("stream.00000001"), end);  // as an earlier version left it
  writer_with_segment();
  writer_with_segment();
  EXPECT_EQ(places(), "1 1 1 ");
  std::filesystem::resize_file(file("stream.00000001"), boundary_after_end() - 1);
  writer_with_segment();
  EXPECT_EQ(places(), "1 1 1 2 ") << "nobody leaves it so";
  expect_sound();
}

TEST_F(WriteSegments, AreOneForEachWriterAndAreTakenOver) {
  create();
  auto one = writer_with_segment();
  auto other = writer_with_segment();
  EXPECT_EQ(places(), "1 2 ");
  one.reset();
  const auto third = writer_with_segment();
  put(*other, 0, {std::string(least_commit, 'b')});
  EXPECT_EQ(places(), "1 2 1 2 ");
  expect_sound();
}

/// Another descriptor of the file, of which this process must have one: a child that is being started has one too.
int duplicate(const std::string& path) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != path) continue;
    return ::fcntl(std::stoi(entry.path().filename()), F_DUPFD_CLOEXEC, 0);
  }
  return -1;
}

TEST_F(WriteSegments, AreLetGoEvenIfAChildHasTheirDescriptorsToo) {
  create();
  auto writer = writer_with_segment();
  const int of_child = duplicate(file("stream.00000001"));
  ASSERT_GE(of_child, 0);
  writer.reset();
  writer_with_segment();
  EXPECT_EQ(places(), "1 1 ");
  ::close(of_child);
}

TEST_F(WriteSegments, LoseWhatTheirOwnerLeftBehindAndAreSealed) {
  create();
  writer_with_segment();
  const auto end = segments()["stream.00000001"];
  std::ofstream(file("stream.00000001"), std::ios::app | std::ios::binary) << std::string(mebibyte, 'z');
  const auto next = open_to_write();
  for (int i = 0; i < 4; ++i) put(*next, 0, {record_for_payload(mebibyte)});
  EXPECT_EQ(places(), "1 0 0 0 2 ");
  EXPECT_EQ(segments()["stream.00000001"], end);
  EXPECT_EQ(number("SELECT sealed FROM segments WHERE id = 1"), 1);
  expect_sound();
}

TEST_F(WriteSegments, AreCutOffAfterTheirSealIsOnDisk) {
  test::WatchedVfs vfs;
  create();
  writer_with_segment();
  const auto end = segments()["stream.00000001"];
  std::ofstream(file("stream.00000001"), std::ios::app | std::ios::binary) << std::string(kibibyte, 'z');
  const auto writer = open_to_write();
  bool on_disk = false;  // what was in the log when the segment was last seen with its remains
  vfs.set_hook([&](test::DatabaseFile file, test::FileCall call) {
    if (file == test::DatabaseFile::log && segments()["stream.00000001"] > end) on_disk = call == test::FileCall::sync;
    return SQLITE_OK;
  });
  put(*writer, 0, {"b"}, Sync::normal);
  vfs.set_hook(nullptr);
  EXPECT_EQ(segments()["stream.00000001"], end);
  EXPECT_TRUE(on_disk);
}

TEST_F(WriteSegments, AreSweptAwayAfterTheRowsWithoutThemAreOnDisk) {
  test::WatchedVfs vfs;
  create();
  const auto holder = writer_with_segment();
  std::ofstream(file("stream.00000002")) << "of a trim that was killed before it synced";
  const auto writer = open_to_write();
  bool on_disk = false;  // what was in the log when the file was last seen
  vfs.set_hook([&](test::DatabaseFile database_file, test::FileCall call) {
    const bool there = std::filesystem::exists(file("stream.00000002"));
    if (database_file == test::DatabaseFile::log && there) on_disk = call == test::FileCall::sync;
    return SQLITE_OK;
  });
  put(*writer, 0, {std::string(least_input, 'b')}, Sync::normal);
  vfs.set_hook(nullptr);
  EXPECT_EQ(names(), (Lines{"stream.00000001", "stream.00000003"}));
  EXPECT_TRUE(on_disk);
}

TEST_F(WriteSegments, ThatCannotBeUsedAreLeftAlone) {
  create();
  writer_with_segment();
  std::filesystem::resize_file(file("stream.00000001"), 100);  // damaged
  writer_with_segment();
  EXPECT_EQ(places(), "1 2 ");
  EXPECT_EQ(segments()["stream.00000001"], 100U);
}

TEST_F(WriteSegments, SweepAwayWhatNoRowTellsOfAndUseNoNameTwice) {
  create();
  writer_with_segment();
  std::ofstream(file("stream.00000002")) << "of a writer that was killed";
  std::ofstream(file("stream.00000009")) << "likewise";
  const auto holder = writer_with_segment();  // takes over the first
  const auto other = writer_with_segment();
  EXPECT_EQ(names(), (Lines{"stream.00000001", "stream.00000010"}));
  std::filesystem::create_directory(file("stream.00000011"));  // somebody else's
  const auto third = writer_with_segment();
  EXPECT_EQ(places(), "1 1 10 12 ");
  expect_sound();
}

TEST_F(WriteSegments, HaveTheModeOfTheStream) {
  create();
  ASSERT_EQ(::chmod(file("stream.db").c_str(), 0660), 0);
  const mode_t umask = ::umask(0077);
  writer_with_segment();
  ::umask(umask);
  struct stat facts {};
  ASSERT_EQ(::stat(file("stream.00000001").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0660U);
}

TEST_F(WriteSegments, OfABoundedStreamAreSmallAndFromOneGibibyteOn) {
  create_bounded(least_bound - 1);
  writer_with_segment();
  EXPECT_EQ(names(), Lines{});
  open_to_write()->maintenance().update({.max_bytes = least_bound});
  const auto writer = writer_with_segment();
  put(*writer, 0, {std::string(6 * mebibyte, 'b'), std::string(6 * mebibyte, 'b')});
  EXPECT_EQ(number("SELECT sealed FROM segments"), 1) << "a sixty-fourth of the bound";
  put(*writer, 0, {std::string(mebibyte, 'c')});
  EXPECT_EQ(places(), "0 1 1 2 ");
  expect_sound();
}

TEST_F(WriteSegments, OfAnOlderStreamAreNotMade) {
  create();
  SegmentForger(path_).remove_feature();
  writer_with_segment();
  EXPECT_EQ(names(), Lines{});
  EXPECT_EQ(shapes(), Lines{"a*4194304"});
  expect_sound();
}

TEST_F(WriteSegments, ThatAnotherHasChangedAreLeftForANewOne) {
  create();
  const auto writer = writer_with_segment();
  {
    test::Forger forger(path_);
    forger.exec("UPDATE segments SET sealed = 1");
    forger.seal("segments");
  }
  put(*writer, 0, {std::string(mebibyte, 'b')});
  EXPECT_EQ(places(), "1 2 ");
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "b*1048576"}));
  expect_sound();
}

TEST_F(WriteSegments, AreNotWrittenTwiceForBatchesThatMustWait) {
  CreateOptions options;
  options.settings.limits.write_records = 1;
  shardlog::create(path_, options, clock_);
  clock_.freeze();
  const auto writer = writer_with_segment();
  const RoutedBatch batch = batch_of(0, {std::string(mebibyte, 'b')});
  ASSERT_TRUE(std::holds_alternative<Throttled>(writer->append({{&batch, 1}}).at(0)));
  struct stat before {};
  ASSERT_EQ(::stat(file("stream.00000001").c_str(), &before), 0);
  EXPECT_EQ(shapes(), Lines{"a*4194304"});
  open_to_write()->maintenance().update({});  // leaves alone what is staged
  clock_.let_pass(std::chrono::seconds(2));
  ASSERT_TRUE(std::holds_alternative<Stored>(writer->append({{&batch, 1}}).at(0)));
  struct stat after {};
  ASSERT_EQ(::stat(file("stream.00000001").c_str(), &after), 0);
  EXPECT_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
  EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "b*1048576"}));
  expect_sound();
}

TEST_F(WriteSegments, NeedRoomForWhatIsStagedInsteadToo) {
  CreateOptions options;
  options.settings.limits.write_records = 1;
  shardlog::create(path_, options, clock_);
  clock_.freeze();
  const auto writer = writer_with_segment();
  const RoutedBatch staged = batch_of(0, {record_for_payload(mebibyte)});
  ASSERT_TRUE(std::holds_alternative<Throttled>(writer->append({{&staged, 1}}).at(0)));
  for (const std::size_t lacking : {1U, 0U}) {
    free_on_disk() = [lacking] { return (8 + 2) * mebibyte - lacking; };
    clock_.let_pass(std::chrono::seconds(2));
    put(*writer, 0, {record_for_payload(2 * mebibyte)});
  }
  EXPECT_EQ(places(), "1 0 1 ") << "8 MiB are left for trimming";
  expect_sound();
}

TEST_F(WriteSegments, GiveTheirSpaceBackIfOthersHaveTakenTheRest) {
  create();
  const auto writer = writer_with_segment();
  const auto end = segments()["stream.00000001"];
  free_on_disk() = [&] { return segments()["stream.00000001"] > end ? 8 * mebibyte - 1 : 100 * mebibyte; };
  put(*writer, 0, {std::string(mebibyte, 'b')});
  EXPECT_EQ(segments()["stream.00000001"], end);
  free_on_disk() = nullptr;
  put(*writer, 0, {std::string(mebibyte, 'c')});
  EXPECT_EQ(places(), "1 0 1 ");
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "b*1048576", "c*1048576"}));
  expect_sound();
}

TEST_F(WriteSegments, AreWrittenAgainForOtherBatches) {
  create();
  const auto writer = writer_with_segment();
  const ProducerMove wrong{{"load", ""}, SequenceNumber(7), {SequenceNumber(8)}};
  const RoutedBatch lost = batch_of(0, {std::string(mebibyte, 'b')});
  EXPECT_EQ(refusal([&] { append_all(*writer, {&lost, 1}, Sync::full, {&wrong, 1}); }), ErrorCode::fenced);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end()) << "no part of a block is cut off";
  put(*writer, 0, {std::string(mebibyte, 'c')});
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "c*1048576"}));
  expect_sound();
}

/// Writers that know what comes next when they append. What is in a segment already is the record 'a', of 4 MiB.
class WriteAhead : public WriteSegments {
 protected:
  void SetUp() override {
    WriteSegments::SetUp();
    create();
    begin();
  }

  void begin() {
    writer_ = writer_with_segment();
    written_to_segments().bytes = 0;
  }

  static RoutedBatch mebibyte_of(char letter) {
    std::string record = record_for_payload(mebibyte);
    record.assign(record.size(), letter);
    return batch_of(0, {record});
  }

  std::vector<Outcome> append(std::span<const RoutedBatch> batches, const RoutedBatch& next,
                              std::span<const ProducerMove> moves = {}) {
    std::vector<std::string_view> ahead{next.batch.payload.view()};
    return writer_->append({.batches = batches, .moves = moves, .ahead = [&] { return std::exchange(ahead, {}); }});
  }

  Lines letters() {
    Lines letters;
    for (const std::string& data : lines()) letters.push_back(data.substr(0, 1));
    return letters;
  }

  std::unique_ptr<Stream> writer_;
  std::array<RoutedBatch, 3> b_c_d_{mebibyte_of('b'), mebibyte_of('c'), mebibyte_of('d')};
  std::span<const RoutedBatch> all_{b_c_d_};
};

TEST_F(WriteAhead, WritesNothingTwiceAndStoresOnlyWhatIsAppended) {
  append(all_.first(1), b_c_d_[1]);
  EXPECT_EQ(written_to_segments().bytes, 2 * mebibyte);
  EXPECT_EQ(letters(), (Lines{"a", "b"}));
  append_all(*writer_, all_.last(2), Sync::full);
  EXPECT_EQ(written_to_segments().bytes, 3 * mebibyte);
  EXPECT_EQ(letters(), (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  const std::vector<std::int64_t> began = beginnings();
  EXPECT_EQ(began.at(2) % 4096, 0);
  EXPECT_EQ(began.at(3), began.at(2) + static_cast<std::int64_t>(mebibyte));
  expect_sound();
}

TEST_F(WriteAhead, GivesWayToOtherBatches) {
  append(all_.first(1), b_c_d_[1]);
  put(*writer_, 0, {std::string(least_commit, 'e')});
  EXPECT_EQ(letters(), (Lines{"a", "b", "e"}));
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  append(all_.first(1), b_c_d_[1]);
  put(*writer_, 0, {"small"});
  EXPECT_EQ(letters(), (Lines{"a", "b", "e", "b", "s"}));
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  expect_sound();
}

TEST_F(WriteAhead, IsCutOffAfterAnAppendThatFails) {
  const ProducerMove wrong{{"load", ""}, SequenceNumber(7), {SequenceNumber(8)}};
  EXPECT_EQ(refusal([&] { append(all_.first(1), b_c_d_[1], {&wrong, 1}); }), ErrorCode::fenced);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  append_all(*writer_, all_.last(2), Sync::full);
  EXPECT_EQ(letters(), (Lines{"a", "c", "d"}));
  expect_sound();
}

TEST_F(WriteAhead, IsCutOffWhenTheWriterGoes) {
  append(all_.first(1), b_c_d_[1]);
  writer_.reset();
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  begin();
  EXPECT_EQ(names(), Lines{"stream.00000001"}) << "it is taken over";
  EXPECT_EQ(letters(), (Lines{"a", "b", "a"}));
  expect_sound();
}

TEST_F(WriteAhead, StaysWhileTheBatchesWait) {
  writer_.reset();
  CreateOptions options;
  options.settings.limits.write_records = 1;
  path_ += ".limited";
  shardlog::create(path_, options, clock_);
  clock_.freeze();
  begin();
  ASSERT_TRUE(std::holds_alternative<Throttled>(append(all_.first(1), b_c_d_[1]).at(0)));
  clock_.let_pass(std::chrono::seconds(2));
  ASSERT_TRUE(std::holds_alternative<Stored>(append(all_.first(1), b_c_d_[1]).at(0)));
  clock_.let_pass(std::chrono::seconds(2));
  append_all(*writer_, all_.subspan(1, 1), Sync::full);
  EXPECT_EQ(written_to_segments().bytes, 2 * mebibyte);
  EXPECT_EQ(letters(), (Lines{"a", "b", "c"}));
  expect_sound();
}

TEST_F(WriteAhead, ThatFindsNoRoomHarmsNothing) {
  written_to_segments().most = mebibyte;
  append(all_.first(1), b_c_d_[1]);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
  written_to_segments().most = UINT64_MAX;
  append_all(*writer_, all_.subspan(1, 1), Sync::full);
  free_on_disk() = [] { return 9 * mebibyte; };
  append(all_.last(1), b_c_d_[1]);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end() + mebibyte) << "8 MiB are left for trimming";
  free_on_disk() = [] { return 9 * mebibyte - 1; };
  append(all_.first(1), b_c_d_[2]);
  EXPECT_EQ(letters(), (Lines{"a", "b", "c", "d", "b"}));
  expect_sound();
}

TEST_F(WriteAhead, DoesNotHappenInABoundedStreamWhichGivesItsSpaceBackInSegments) {
  writer_.reset();
  path_ += ".bounded";
  create_bounded(least_bound);
  begin();
  append(all_.first(1), b_c_d_[1]);
  EXPECT_EQ(written_to_segments().bytes, mebibyte);
  EXPECT_EQ(segments()["stream.00000001"], boundary_after_end());
}

TEST_F(WriteSegments, GoWithTheStream) {
  create();
  writer_with_segment();
  shardlog::remove_stream(path_, {Access::write, std::chrono::seconds(20)}, clock_);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(WriteSegments, AreInACopyOfAStreamThatNobodyUses) {
  create();
  writer_with_segment();
  std::filesystem::copy(path_, directory_.path() + "/copy", std::filesystem::copy_options::recursive);
  path_ = directory_.path() + "/copy";
  writer_with_segment();
  EXPECT_EQ(places(), "1 1 ");
  expect_sound();
}

/// A disk that is full: files cannot grow past a limit.
class FullDisk {
 public:
  explicit FullDisk(rlim_t most) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{most, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(WriteSegments, StoreNothingOnAFullDiskAndGiveTheSpaceBack) {
  create();
  const auto writer = writer_with_segment();
  const auto end = segments()["stream.00000001"];
  {
    const FullDisk full(5 * mebibyte);
    EXPECT_EQ(refusal([&] { put(*writer, 0, {std::string(2 * mebibyte, 'b')}); }), ErrorCode::full);
  }
  EXPECT_EQ(segments()["stream.00000001"], end);
  EXPECT_EQ(shapes(), Lines{"a*4194304"});
  put(*writer, 0, {"c"});
  put(*writer, 0, {std::string(2 * mebibyte, 'd')});
  EXPECT_EQ(places(), "1 0 2 ") << "a segment that could not be written is not used again";
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "c*1", "d*2097152"}));
  expect_sound();
}

TEST_F(WriteSegments, ThatCouldNotBeWrittenAreCutOffAfterTheirSealIsOnDisk) {
  test::WatchedVfs vfs;
  create();
  const auto writer = writer_with_segment();
  const auto end = segments()["stream.00000001"];
  bool on_disk = false;  // what was in the log when the segment was last seen with a byte too many
  vfs.set_hook([&](test::DatabaseFile file, test::FileCall call) {
    if (file == test::DatabaseFile::log && segments()["stream.00000001"] > end) on_disk = call == test::FileCall::sync;
    return SQLITE_OK;
  });
  {
    const FullDisk full(5 * mebibyte);
    EXPECT_EQ(refusal([&] { put(*writer, 0, {std::string(2 * mebibyte, 'b')}, Sync::normal); }), ErrorCode::full);
  }
  vfs.set_hook(nullptr);
  EXPECT_EQ(segments()["stream.00000001"], end);
  EXPECT_TRUE(on_disk);
}

TEST_F(WriteSegments, ThatCouldNotBeWrittenAreNotTakenOverEvenIfTheyCouldNotBeSealed) {
  test::WatchedVfs vfs;
  create();
  const auto writer = writer_with_segment();
  const auto end = segments()["stream.00000001"];
  vfs.set_hook([](test::DatabaseFile file, test::FileCall call) {
    return file == test::DatabaseFile::log && call == test::FileCall::write ? SQLITE_FULL : SQLITE_OK;
  });
  {
    const FullDisk full(5 * mebibyte);
    EXPECT_EQ(refusal([&] { put(*writer, 0, {std::string(2 * mebibyte, 'b')}); }), ErrorCode::full);
  }
  vfs.set_hook(nullptr);
  EXPECT_EQ(number("SELECT sealed FROM segments"), 0);
  EXPECT_EQ(segments()["stream.00000001"], end + 1) << "the rest of the space is given back";
  put(*writer, 0, {std::string(2 * mebibyte, 'c')});
  EXPECT_EQ(places(), "1 2 ");
  put(*open_to_write(), 0, {"d"});
  EXPECT_EQ(segments()["stream.00000001"], end);
  EXPECT_EQ(number("SELECT sealed FROM segments WHERE id = 1"), 1);
  expect_sound();
}

/// Nothing can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(STDIN_FILENO);
    ::close(lowest_free);
    const rlimit now{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(WriteSegments, ThatCannotBeMadeLeaveTheRows) {
  create();
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  {
    const NoDescriptors none;
    put(*writer, 0, {std::string(least_input, 'b')});
  }
  put(*writer, 0, {std::string(least_input, 'c')});
  EXPECT_EQ(places(), "0 0 1 ") << "it tries again";
  expect_sound();
}

TEST_F(WriteSegments, WhoseRowsAreDamagedLeaveTheRows) {
  create();
  writer_with_segment();
  RawDatabase(path_).exec("UPDATE segments SET end = end + 1");
  writer_with_segment();
  EXPECT_EQ(places(), "1 0 ");
  EXPECT_EQ(names(), Lines{"stream.00000001"});
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "a*4194304"}));
}

TEST_F(WriteSegments, AreNotNumberedPastTheLargestId) {
  create();
  {
    test::Forger forger(path_);
    forger.exec("INSERT INTO segments VALUES (2305843009213693951, 0, 1, 0, 0)");
    forger.seal("segments");
  }
  writer_with_segment();
  EXPECT_EQ(places(), "0 ");
}

TEST_F(WriteSegments, LeaveAloneFilesWhoseIdsAreOutOfReach) {
  create();
  const auto writer = writer_with_segment();
  std::ofstream(file("stream.01000003")) << "made by hand";
  std::ofstream(file("stream.2305843009213693951")) << "likewise";
  open_to_write()->maintenance().update({});
  const auto other = writer_with_segment();
  EXPECT_EQ(places(), "1 2 ");
  expect_sound();
  std::ofstream(file("stream.01000002")) << "a million after the newest row";
  open_to_write()->maintenance().update({});
  EXPECT_EQ(names(), (Lines{"stream.00000001", "stream.00000002", "stream.01000003", "stream.2305843009213693951"}));
}

class TrimSegments : public WriteSegments {
 protected:
  TrimSegments() {
    CreateOptions options;
    options.settings.retention = std::chrono::hours(1);
    shardlog::create(path_, options, clock_);
  }

  void trim_all() {
    clock_.step(std::chrono::hours(2));
    open_to_write()->maintenance().update({});
  }
};

TEST_F(TrimSegments, RemovesThemAndUsesNoIdTwice) {
  writer_with_segment();
  trim_all();
  EXPECT_EQ(names(), Lines{});
  EXPECT_EQ(lines(), Lines{});
  expect_sound();
  writer_with_segment();
  EXPECT_EQ(names(), Lines{"stream.00000002"});
  EXPECT_EQ(number("SELECT count(*) FROM segments"), 1);
  expect_sound();
}

TEST_F(TrimSegments, LeavesThoseThatHoldOthersToo) {
  {
    const auto writer = writer_with_segment();
    clock_.step(std::chrono::hours(2));
    put(*writer, 0, {std::string(mebibyte, 'b')});
  }
  open_to_write()->maintenance().update({});
  EXPECT_EQ(shapes(), Lines{"b*1048576"});
  EXPECT_EQ(names(), Lines{"stream.00000001"});
  expect_sound();
}

TEST_F(TrimSegments, LeavesThoseThatAreWrittenTo) {
  auto writer = writer_with_segment();
  trim_all();
  EXPECT_EQ(names(), Lines{"stream.00000001"});
  put(*writer, 0, {std::string(mebibyte, 'b')});
  EXPECT_EQ(shapes(), Lines{"b*1048576"});
  writer.reset();
  trim_all();
  EXPECT_EQ(names(), Lines{});
  expect_sound();
}

TEST_F(TrimSegments, RemovesThatOfAWriterWhoseCommitsBecomeSmall) {
  clock_.freeze();
  const auto writer = writer_with_segment();
  clock_.step(std::chrono::hours(2));
  clock_.let_pass(std::chrono::seconds(2));  // until it looks again for what may go
  put(*writer, 0, {"b"});
  put(*writer, 0, {"c"});
  EXPECT_EQ(names(), Lines{});
  put(*writer, 0, {std::string(mebibyte, 'd')});
  EXPECT_EQ(names(), Lines{"stream.00000002"});
  EXPECT_EQ(shapes(), (Lines{"b*1", "c*1", "d*1048576"}));
  expect_sound();
}

TEST_F(TrimSegments, RemovesThatOfAWriterWhoseStreamBecomesTooSmallForAny) {
  const auto writer = writer_with_segment();
  open_to_write()->maintenance().update({.max_bytes = least_bound - 1});
  put(*writer, 0, {"b"});  // learns of it
  put(*writer, 0, {"c"});
  EXPECT_EQ(names(), Lines{"stream.00000001"});
  trim_all();
  EXPECT_EQ(names(), Lines{});
  expect_sound();
}

TEST_F(TrimSegments, SweepsAwayWhatKilledProcessesHaveLeft) {
  const auto writer = writer_with_segment();
  test::Forger forger(path_);
  forger.exec("INSERT INTO segments VALUES (2, 0, 0, 0, 0), (4, 4096, 1, 1, 0), (5, 0, 1, 0, 0)");
  forger.seal("segments");
  std::ofstream(file("stream.00000002")) << "staged in a new segment by a writer that was killed";
  std::ofstream(file("stream.00000003")) << "of a process that was killed after it had removed the row";
  std::ofstream(file("stream.00000004")) << std::string(5000, 'x');  // one that was killed after it had sealed it
  std::ofstream(file("stream.00000005")) << "it was the newest, so its row is left";
  std::ofstream(file("stream.00000009")) << "of a writer whose row was lost in a power cut";
  open_to_write()->maintenance().update({});
  EXPECT_EQ(names(), (Lines{"stream.00000001", "stream.00000004"}));
  EXPECT_EQ(segments()["stream.00000004"], 4096U);
  const auto other = writer_with_segment();
  EXPECT_EQ(places(), "1 10 ") << "no name is used twice";
}

TEST_F(TrimSegments, SweepsInThePassingOnADiskThatIsNearlyFull) {
  writer_with_segment();
  std::ofstream(file("stream.00000002")) << "of a process that was killed";
  for (const std::size_t lacking : {0U, 1U}) {
    free_on_disk() = [lacking] { return 512 * mebibyte - lacking; };
    put(*open_to_write(), 0, {"b"});
    EXPECT_EQ(names().size(), 2U - lacking);
  }
}

TEST_F(TrimSegments, RestsForAnHourIfSomethingCannotBeSweptAway) {
  test::WatchedVfs vfs;
  clock_.freeze();
  writer_with_segment();
  std::ofstream(file("stream.00000002")) << "of a process that was killed";
  const auto writer = open_to_write();
  free_on_disk() = [] { return 512 * mebibyte - 1; };
  const auto syncs = [&](Duration after) {
    clock_.let_pass(after);
    test::CallLog calls(vfs);
    put(*writer, 0, {"b"}, Sync::normal);
    return calls.count(test::DatabaseFile::log, test::FileCall::sync);
  };
  nothing_goes() = true;
  EXPECT_EQ(syncs(std::chrono::seconds(0)), 1) << "before it would go";
  EXPECT_EQ(syncs(std::chrono::minutes(59)), 0);
  nothing_goes() = false;
  EXPECT_EQ(names().size(), 2U);
  EXPECT_EQ(syncs(std::chrono::minutes(2)), 1);
  EXPECT_EQ(names(), Lines{"stream.00000001"});
}

TEST_F(TrimSegments, SweepsNothingAwayIfARowIsDamaged) {
  writer_with_segment();
  RawDatabase(path_).exec("UPDATE segments SET end = 0, sealed = 1");
  open_to_write()->maintenance().update({});
  EXPECT_EQ(shapes(), Lines{"a*4194304"});
}

TEST_F(TrimSegments, RemovesThemInThePassingToo) {
  writer_with_segment();
  clock_.step(std::chrono::hours(2));
  put(*open_to_write(), 0, {"b"});
  EXPECT_EQ(names(), Lines{});
  EXPECT_EQ(lines(), Lines{"b"});
}

TEST_F(TrimSegments, TakesManyBatchesOfASegmentInOneStep) {
  std::vector<RoutedBatch> batches;
  for (int i = 0; i < 20; ++i) batches.push_back(batch_of(0, {std::string(mebibyte, 'x')}));
  append_all(*open_to_write(), batches, Sync::full);
  const auto writer = open_to_write();
  clock_.step(std::chrono::hours(2));
  put(*writer, 0, {"b"});
  EXPECT_EQ(number("SELECT count(*) FROM batches"), 1) << "bytes in a segment cost the trimming nothing";
}

/// The commit that is not synced must not be followed by the removal.
TEST_F(TrimSegments, SyncsBeforeItRemoves) {
  test::WatchedVfs vfs;
  writer_with_segment();
  clock_.step(std::chrono::hours(2));
  const auto writer = open_to_write();
  int syncs = 0;
  std::vector<std::size_t> there_at_sync;
  vfs.set_hook([&](test::DatabaseFile file, test::FileCall call) {
    if (file == test::DatabaseFile::log && call == test::FileCall::sync) {
      ++syncs;
      there_at_sync.push_back(names().size());
    }
    return SQLITE_OK;
  });
  writer->maintenance().update({});
  vfs.set_hook(nullptr);
  EXPECT_EQ(names(), Lines{});
  EXPECT_GE(syncs, 2) << "of the settings, and before the removal";
  EXPECT_TRUE(std::ranges::all_of(there_at_sync, [](std::size_t count) { return count == 1; }));
}

TEST_F(TrimSegments, DoesNotLetThemSeemUnusedWhileItRemovesThem) {
  test::WatchedVfs vfs;
  writer_with_segment();
  {
    test::Forger forger(path_);
    forger.exec("UPDATE segments SET sealed = 1");
    forger.seal("segments");
  }
  clock_.step(std::chrono::hours(2));
  const auto writer = open_to_write();
  int syncs = 0;
  vfs.set_hook([&](test::DatabaseFile database_file, test::FileCall call) {
    if (database_file != test::DatabaseFile::log || call != test::FileCall::sync) return SQLITE_OK;
    ++syncs;
    EXPECT_EQ(names(), Lines{"stream.00000001"});
    EXPECT_EQ(number("SELECT end FROM segments"), 0);
    expect_sound();
    return SQLITE_OK;
  });
  put(*writer, 0, {"b"}, Sync::normal);
  vfs.set_hook(nullptr);
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(names(), Lines{});
}

TEST_F(TrimSegments, RemovesAsManyAsThereAre) {
  writer_with_segment();
  test::Forger forger(path_);
  for (int id = 2; id <= 200; ++id) {
    forger.exec(fmt::format("INSERT INTO segments VALUES ({}, 4096, 1, 1, 0)", id));
    std::ofstream(file(fmt::format("stream.{:08}", id))) << std::string(4096, 'x');
  }
  forger.seal("segments");
  trim_all();
  EXPECT_EQ(names(), Lines{});
  EXPECT_EQ(number("SELECT count(*) FROM segments"), 1) << "the newest";
}

/// A log that ends before the second commit, as after a power cut that SQLite's own checks do not see.
TEST_F(WriteSegments, GoOnBeforeWhatWasLost) {
  create();
  writer_with_segment();
  const auto kept = segments()["stream.00000001"];
  const std::string earlier = directory_.path() + "/log";
  std::filesystem::copy_file(file("stream.db-wal"), earlier);
  put(*writer_with_segment(), 0, {"lost too"});
  const auto end = segments()["stream.00000001"];
  std::filesystem::copy_file(earlier, file("stream.db-wal"), std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(file("stream.db-shm"));
  EXPECT_EQ(refusal([&] { writer_with_segment(); }), ErrorCode::corrupt);
  EXPECT_EQ(segments()["stream.00000001"], end) << "what may still help somebody is left alone";
  open_to_write()->maintenance().update({.accept_loss = true});
  EXPECT_EQ(segments()["stream.00000001"], kept);
  put(*writer_with_segment(), 0, {"c"});
  EXPECT_EQ(places(), "1 2 0 ");
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "a*4194304", "c*1"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(WriteSegments, KeepTheirBytesIfTheOutcomeOfTheCommitIsUnknown) {
  test::WatchedVfs vfs;
  create();
  auto writer = writer_with_segment();
  vfs.set_hook([](test::DatabaseFile file, test::FileCall call) {
    return file == test::DatabaseFile::log && call == test::FileCall::sync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  });
  EXPECT_EQ(refusal([&] { put(*writer, 0, {std::string(mebibyte, 'b')}); }), ErrorCode::io);
  vfs.set_hook(nullptr);
  writer.reset();
  put(*open_to_write(), 0, {"c"});  // settles the outcome
  const Lines found = shapes();
  EXPECT_TRUE(found == (Lines{"a*4194304", "c*1"}) || found == (Lines{"a*4194304", "b*1048576", "c*1"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

/// A commit that is in the log, but that no connection sees, because the sync of the log did not end well. As long as
/// any connection is open, nobody recovers the log. The next opening after that does, and brings the commit back,
/// unless it was overwritten.
class UnseenCommit : public WriteSegments {
 protected:
  enum class Cause { error, kill };

  void commit_unseen(Cause cause) {
    create();
    living_ = open_to_read();
    const auto writer = writer_with_segment();
    vfs_.set_hook([](test::DatabaseFile file, test::FileCall call) {
      return file == test::DatabaseFile::log && call == test::FileCall::sync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    });
    EXPECT_EQ(refusal([&] { put(*writer, 0, {std::string(mebibyte, 'b')}); }), ErrorCode::io);
    vfs_.set_hook(nullptr);
    // A writer that is killed leaves no note of it.
    if (cause == Cause::kill) sqlite::WriterLock(file("lock"), true).set_outcome_unknown(false);
  }

  /// Of a batch that would go to a segment, but is refused before it changes anything.
  void append_in_vain() {
    const ProducerMove wrong{{"load", ""}, SequenceNumber(7), {SequenceNumber(8)}};
    const RoutedBatch batch = batch_of(0, {std::string(least_input, 'c')});
    EXPECT_EQ(refusal([&] { append_all(*open_to_write(), {&batch, 1}, Sync::full, {&wrong, 1}); }), ErrorCode::fenced);
  }

  void expect_sound_after_recovery() {
    living_.reset();
    const Lines found = shapes();
    EXPECT_TRUE(found == Lines{"a*4194304"} || found == (Lines{"a*4194304", "b*1048576"})) << found.size();
    expect_sound();
    writer_with_segment();
    EXPECT_EQ(shapes().size(), found.size() + 1);
    expect_sound();
  }

  test::WatchedVfs vfs_;
  std::unique_ptr<Stream> living_ = nullptr;
};

TEST_F(UnseenCommit, ComesBackWholeIfNobodyWritesMeanwhile) {
  commit_unseen(Cause::kill);
  EXPECT_EQ(shapes(), Lines{"a*4194304"});
  living_.reset();
  EXPECT_EQ(shapes(), (Lines{"a*4194304", "b*1048576"})) << "this is what the tests below are about";
  expect_sound();
}

TEST_F(UnseenCommit, OfAKilledWriterNeverNamesBytesOfAnother) {
  commit_unseen(Cause::kill);
  append_in_vain();
  expect_sound_after_recovery();
}

TEST_F(UnseenCommit, AfterAnErrorNeverNamesBytesOfAnother) {
  commit_unseen(Cause::error);
  append_in_vain();
  expect_sound_after_recovery();
}

TEST_F(UnseenCommit, IsOverwrittenByAnUpdateWithoutHarm) {
  commit_unseen(Cause::kill);
  open_to_write()->maintenance().update({});
  expect_sound_after_recovery();
}

}  // namespace
}  // namespace shardlog
