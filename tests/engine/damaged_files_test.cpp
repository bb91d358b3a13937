#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>

#include "engine/from_environment.h"
#include "engine/raw_database.h"
#include "engine/segment_forger.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::Delivered;
using test::refusal;

const std::string database = "stream.db";
const std::string log = "stream.db-wal";
const std::string segment = "stream.00000001";
constexpr std::size_t database_header = 100;
constexpr std::size_t log_header = 32 + 24;  // and that of its first frame
constexpr std::size_t cut_every = 512;

/// What came of reading a damaged stream.
enum class Outcome { told, did_no_harm, told_by_verify_only };

/// A stream whose files are damaged in one way after the other. Damage is told, or does no harm; it never yields a
/// wrong record, a crash or a hang.
class DamagedFiles : public test::StreamTest {
 protected:
  DamagedFiles() : random_(test::seed()) {
    create(3);
    const auto writer = open_to_write();
    for (int commit = 0; commit < 24; ++commit) put_one_commit(*writer, commit);
  }

  void fold_log_into_database() {
    { test::RawDatabase(path_).exec("PRAGMA wal_checkpoint(TRUNCATE)"); }
    std::filesystem::remove(file(log));
  }

  void move_into_segment() {
    test::SegmentForger(path_).move(5, 20, 1);
    fold_log_into_database();
  }

  /// Takes the files as they are for what is right.
  void keep() {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const std::string name = entry.path().filename();
      if (name != "stream.db-shm") files_[name] = read_file(entry.path());
    }
    whole_ = test::read(*open_to_read());
    ASSERT_GT(whole_.size(), 24U);
  }

  void restore() {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) std::filesystem::remove(entry.path());
    for (const auto& [name, content] : files_) std::ofstream(file(name), std::ios::binary) << content;
  }

  /// Changes bits of one byte. Applying a mask twice changes nothing.
  void flip(const std::string& name, std::size_t offset, unsigned char mask) {
    std::fstream at(file(name), std::ios::binary | std::ios::in | std::ios::out);
    at.seekg(static_cast<std::streamoff>(offset));
    const int byte = at.get();
    at.seekp(static_cast<std::streamoff>(offset));
    at.put(static_cast<char>(static_cast<unsigned char>(byte) ^ mask));
  }

  /// Reads, now and then verifies, and says what came of it.
  Outcome look(int number) {
    std::vector<Delivered> records;
    const bool told = is_told([&] { read_all(records); });
    EXPECT_TRUE(std::equal(records.begin(), records.end(), whole_.begin(), whole_.begin() + at_most(records.size())))
        << "a wrong record";
    if (told) {
      EXPECT_TRUE(number % 5 != 0 || !verifies()) << "reading tells of damage, verify does not";
      return Outcome::told;
    }
    if (records.size() == whole_.size()) return Outcome::did_no_harm;
    // A page of SQLite's tree that names fewer rows than it holds: only SQLite's own check can see that.
    EXPECT_FALSE(verifies()) << records.size() << " of " << whole_.size() << " records, and verify finds nothing";
    return Outcome::told_by_verify_only;
  }

  /// A writer refuses what is damaged, or its record is there afterwards.
  void put_and_look() {
    bool stored = false;
    const bool told = is_told([&] {
      const auto writer = open_to_write();
      put(*writer, 0, {"one more"});
      stored = true;
    });
    EXPECT_NE(told, stored);
    std::vector<Delivered> records;
    const bool damaged = is_told([&] { read_all(records); });
    const bool is_there = !records.empty() && records.back().data == "one more";
    EXPECT_TRUE(damaged || !stored || is_there) << "stored, but the record is not there";
    if (is_there) records.pop_back();
    EXPECT_TRUE(std::equal(records.begin(), records.end(), whole_.begin(), whole_.begin() + at_most(records.size())));
  }

  /// Does one damage after the other and prints what came of them. `puts` says to which it puts a record, too.
  void try_all(const std::string& what, int count, const std::function<void(int)>& damage,
               const std::function<void(int)>& repair, const std::function<bool(int)>& puts) {
    std::map<Outcome, int> outcomes;
    for (int number = 0; number < count && !HasFailure(); ++number) {
      SCOPED_TRACE(what + " " + std::to_string(number));
      damage(number);
      ++outcomes[look(number)];
      if (puts(number)) {
        put_and_look();
        restore();
      } else {
        repair(number);
      }
    }
    std::cout << what << ": " << count << " cases, " << outcomes[Outcome::told] << " told, "
              << outcomes[Outcome::did_no_harm] << " harmless, " << outcomes[Outcome::told_by_verify_only]
              << " told by verify only\n";
    EXPECT_GT(outcomes[Outcome::told], 0);
  }

  /// Every byte of the header, then others at random. Most bytes are data or unused, and say little when they change:
  /// half of those at random are neither.
  void flip_bytes(const std::string& name, std::size_t header, int count, bool put_too) {
    const std::string content = files_[name];
    std::vector<std::pair<std::size_t, unsigned char>> flips;
    for (std::size_t offset = 0; offset < header; ++offset) flips.emplace_back(offset, any_mask());
    while (flips.size() < header + static_cast<std::size_t>(count)) {
      const std::size_t offset = random_() % content.size();
      const char byte = content[offset];
      const bool says_little = byte == 0 || (byte >= 'a' && byte <= 'p');
      if (!says_little || flips.size() % 2 == 0) flips.emplace_back(offset, any_mask());
    }
    const auto change = [&](int number) {
      flip(name, flips[std::size_t(number)].first, flips[std::size_t(number)].second);
    };
    const auto puts = [&](int number) { return put_too && (std::size_t(number) < header || now_and_then(number)); };
    try_all(name + ", flipped", static_cast<int>(flips.size()), change, change, puts);
  }

  void cut(const std::string& name) {
    const std::size_t size = files_[name].size();
    try_all(
        name + ", cut", static_cast<int>(size / cut_every),
        [&](int number) { std::filesystem::resize_file(file(name), static_cast<std::size_t>(number) * cut_every); },
        [&](int) { restore(); }, now_and_then);
  }

 private:
  static bool now_and_then(int number) { return number % 7 == 0; }

  static std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Data is of the letters a to p.
  void put_one_commit(Stream& writer, int commit) {
    constexpr std::array<std::size_t, 5> sizes{1, 5, 20, 500, 5000};
    const std::size_t size = sizes[random_() % sizes.size()];
    Lines data;
    for (auto records = 1 + random_() % 8; records > 0; --records) {
      std::string text = std::to_string(commit) + ":" + std::to_string(records) + " ";
      for (auto letters = random_() % size; letters > 0; --letters) text += static_cast<char>('a' + random_() % 16);
      data.push_back(text);
    }
    put(writer, static_cast<std::uint32_t>(random_() % 3), data);
  }

  unsigned char any_mask() {
    return static_cast<unsigned char>(random_() % 2 == 0 ? 1U << random_() % 8 : 1 + random_() % 255);
  }

  std::ptrdiff_t at_most(std::size_t count) const {
    return static_cast<std::ptrdiff_t>(std::min(count, whole_.size()));
  }

  void read_all(std::vector<Delivered>& records) {
    const auto stream = open_to_read();
    const auto reader = stream->read({});
    for (bool at_end = false; !at_end;) {
      const ReadResult result = reader->next(test::kibibyte);
      test::add_to(records, result.batches);
      at_end = result.at_end;
    }
  }

  bool verifies() {
    bool clean = false;
    const bool told = is_told([&] { clean = findings(*open_to_read()).empty(); });
    return !told && clean;
  }

  /// True if it is refused as corrupt, or as of a version that does not exist; every other error is wrong.
  static bool is_told(const std::function<void()>& work) {
    const std::optional<ErrorCode> code = refusal(work);
    EXPECT_TRUE(!code || *code == ErrorCode::corrupt || *code == ErrorCode::unsupported)
        << "refused with another code: " << static_cast<int>(*code);
    return code.has_value();
  }

  std::mt19937_64 random_;
  std::map<std::string, std::string> files_;
  std::vector<Delivered> whole_;
};

int flips() {
  return test::count("SHARDLOG_DAMAGE_OFFSETS", 1000);
}

TEST_F(DamagedFiles, ADatabaseWithAByteChanged) {
  fold_log_into_database();
  keep();
  flip_bytes(database, database_header, flips(), true);
}

TEST_F(DamagedFiles, ALogWithAByteChanged) {
  keep();
  flip_bytes(log, log_header, flips() / 2, true);
}

// While another has the stream open, SQLite trusts its index of the log, and not the log's checksums.
TEST_F(DamagedFiles, ALogWithAByteChangedWhileItIsInUse) {
  keep();
  const auto other = open_to_read();
  const auto reader = other->read({.follow = true});
  ASSERT_FALSE(test::drain(*reader).empty());
  flip_bytes(log, log_header, flips() / 2, false);
}

/// Most payloads are in a segment.
TEST_F(DamagedFiles, ASegmentWithAByteChanged) {
  move_into_segment();
  keep();
  flip_bytes(segment, 0, flips() / 2, true);
}

TEST_F(DamagedFiles, ADatabaseThatNamesASegmentWithAByteChanged) {
  move_into_segment();
  keep();
  flip_bytes(database, 0, flips() / 2, true);
}

TEST_F(DamagedFiles, ASegmentThatWasCut) {
  move_into_segment();
  keep();
  cut(segment);
}

TEST_F(DamagedFiles, ADatabaseThatWasCut) {
  fold_log_into_database();
  keep();
  cut(database);
}

TEST_F(DamagedFiles, ALogThatWasCut) {
  keep();
  cut(log);
}

}  // namespace
}  // namespace shardlog
