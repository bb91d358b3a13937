#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include "engine/from_environment.h"
#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

namespace fs = std::filesystem;
using test::any_budget;
using test::data_of;
using test::drain_with_gaps;
using test::read;
using test::refusal;

/// SQLite ends its log at the first wrong frame. If something was synced after that, its loss must still be noticed.
class LostTail : public test::StreamTest {
 protected:
  /// What a read delivers, and what it ends with.
  struct Outcome {
    Lines lines;
    std::string error;  ///< empty if reading comes to its end
  };

  static std::string content(const std::string& path) {
    std::ifstream from(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  /// So that the next opening reads the log itself, as after the end of all processes.
  void forget_shared_memory() { fs::remove(file("stream.db-shm")); }

  /// Stores a batch of two records, and remembers where the log ended after it.
  void put_pair(const std::string& name, Sync sync = Sync::full) {
    put(*open_to_write(), 0, {name + "1", name + "2"}, sync);
    ends_.push_back(log_size());
  }

  void create_with_pairs(const Lines& names) {
    create();
    for (const std::string& name : names) put_pair(name);
  }

  /// Three synced batches, of which the log keeps the first.
  void lose_two_of_three() {
    create_with_pairs({"a", "b", "c"});
    cut_behind(0);
  }

  void cut_behind(std::size_t batch) {
    fs::resize_file(file("stream.db-wal"), ends_.at(batch));
    forget_shared_memory();
  }

  Outcome outcome(ReadRequest request = {}) {
    Outcome result;
    const auto stream = open_to_read();
    const auto reader = stream->read(request);
    try {
      while (true) {
        const ReadResult next = reader->next(1);
        std::vector<test::Delivered> records;
        add_to(records, next.batches);
        for (const std::string& line : data_of(records)) result.lines.push_back(line);
        if (next.at_end || (next.batches.empty() && next.gaps.empty())) return result;
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
      result.error = error.what();
    }
    return result;
  }

  std::vector<std::size_t> ends_;
};

TEST_F(LostTail, IsReportedAfterAllRemainingRecordsWereDelivered) {
  lose_two_of_three();
  const Outcome read = outcome();
  EXPECT_EQ(read.lines, (Lines{"a1", "a2"}));
  EXPECT_TRUE(read.error.ends_with("the end is missing: batches 2 to 3, with 4 records")) << read.error;
}

TEST_F(LostTail, IsReportedToAFollower) {
  lose_two_of_three();
  const Outcome read = outcome({.follow = true});
  EXPECT_EQ(read.lines, (Lines{"a1", "a2"}));
  EXPECT_TRUE(read.error.ends_with("batches 2 to 3, with 4 records")) << read.error;
}

TEST_F(LostTail, IsNotReportedToAReaderThatEndsBeforeIt) {
  create_with_pairs({"a", "b", "c"});
  cut_behind(1);
  const Outcome read = outcome({.shards = {ShardId(0)}, .until = AtSequence{SequenceNumber(3)}});
  EXPECT_EQ(read.lines, (Lines{"a1", "a2"}));
  EXPECT_EQ(read.error, "");
}

TEST_F(LostTail, OfOneRecordIsReportedInTheSingular) {
  create_with_pairs({"a"});
  put(*open_to_write(), 0, {"b"});
  cut_behind(0);
  EXPECT_TRUE(outcome().error.ends_with("the end is missing: batch 2, with 1 record")) << outcome().error;
}

TEST_F(LostTail, IsFoundByVerification) {
  lose_two_of_three();
  EXPECT_EQ(findings(*open_to_read()), (Lines{"the end is missing: batches 2 to 3, with 4 records"}));
}

TEST_F(LostTail, IsNeitherWrittenOverNorCopied) {
  create_with_pairs({"a", "b", "c"});
  std::string log;
  std::string database;
  {
    const auto writer = open_to_write();
    put(*writer, 0, {std::string(900 * test::kibibyte, 'x')});
    put(*writer, 0, {std::string(900 * test::kibibyte, 'y')});
    log = content(file("stream.db-wal"));  // long enough for an exit to empty it
    database = content(file("stream.db"));
  }
  ASSERT_GT(log.size(), test::mebibyte);
  log[ends_.at(0) + 100] ^= 1;
  write(file("stream.db-wal"), log);
  write(file("stream.db"), database);
  forget_shared_memory();
  const auto refuses = [&](const auto& change) {
    EXPECT_EQ(refusal([&] { change(*open_to_write()); }), ErrorCode::corrupt);
    EXPECT_TRUE(content(file("stream.db-wal")) == log);
    EXPECT_TRUE(content(file("stream.db")) == database);
  };
  refuses([](Stream& stream) { put(stream, 0, {"d"}); });
  refuses([](Stream& stream) { stream.make_durable(); });
  refuses([](Stream& stream) { stream.maintenance().update({.compression = Compression::none}); });
  refuses([](Stream& stream) { stream.producers().forget("p"); });
  refuses([](Stream& stream) { stream.leases().replace(std::nullopt, Consumer{"c", make_uuid()}); });
  refuses([](Stream& stream) { test::split(stream, 0); });
  open_to_write();
  EXPECT_TRUE(content(file("stream.db-wal")) == log) << "an exit without a commit";
}

TEST_F(LostTail, IsReportedWhenAnOlderDatabaseIsPutBesideTheLock) {
  create_with_pairs({"a"});
  const std::string database = content(file("stream.db"));
  const std::string log = content(file("stream.db-wal"));
  put_pair("b");
  write(file("stream.db"), database);
  write(file("stream.db-wal"), log);
  forget_shared_memory();
  EXPECT_TRUE(outcome().error.ends_with("batch 2, with 2 records")) << outcome().error;
}

TEST_F(LostTail, IsNotThereInACopy) {
  create_with_pairs({"a", "b"});
  const std::string original = path_;
  path_ = directory_.path() + "/copy";
  fs::copy(original, path_);
  EXPECT_EQ(lines(), (Lines{"a1", "a2", "b1", "b2"}));
  put_pair("c");
  EXPECT_EQ(lines().size(), 6U);
}

TEST_F(LostTail, OfUnsyncedCommitsIsNotReported) {
  create_with_pairs({"a"});
  put_pair("b", Sync::normal);
  cut_behind(0);
  const Outcome read = outcome();
  EXPECT_EQ(read.lines, (Lines{"a1", "a2"}));
  EXPECT_EQ(read.error, "");
}

TEST_F(LostTail, CannotBeKnownWithoutAMark) {
  lose_two_of_three();
  const std::string mark = content(file("lock"));
  std::string torn = mark;
  torn[10] ^= 1;
  for (const std::string& lock : {std::string(), std::string(1, '\0'), mark.substr(0, 20), torn}) {
    write(file("lock"), lock);
    EXPECT_EQ(outcome().error, "") << lock.size();
  }
  write(file("lock"), mark);
  EXPECT_NE(outcome().error, "");
}

TEST_F(LostTail, IsNotKnownByTheMarkOfAnotherStream) {
  create_with_pairs({"a"});
  const std::string first = path_;
  path_ = directory_.path() + "/other";
  create_with_pairs({"a", "b", "c"});
  fs::copy_file(file("lock"), first + "/lock", fs::copy_options::overwrite_existing);
  path_ = first;
  EXPECT_EQ(outcome().error, "");
}

TEST_F(LostTail, IsNotWhatRetentionTook) {
  create();
  open_to_write()->maintenance().update({.retention = std::chrono::seconds(10)});
  for (const char* const name : {"a", "b", "c"}) put_pair(name);
  clock_.step(std::chrono::hours(1));
  EXPECT_EQ(outcome().error, "") << "expired";
  open_to_write()->maintenance().update({.retention = std::chrono::seconds(10)});
  EXPECT_EQ(outcome().error, "") << "trimmed";
  EXPECT_TRUE(findings(*open_to_read()).empty());
}

TEST_F(LostTail, IsNeverSeenBesideAWriter) {
  create();
  std::jthread writer([this](const std::stop_token& stop) {
    const auto stream = open_to_write();
    while (!stop.stop_requested()) put(*stream, 0, {"x"});
  });
  const auto stream = open_to_read();
  const auto reader = stream->read({.follow = true});
  for (std::size_t read = 0; read < 300;) {
    std::vector<test::Delivered> records;
    ASSERT_EQ(refusal([&] { add_to(records, reader->next(any_budget).batches); }), std::nullopt);
    ASSERT_EQ(outcome().error, "");
    read += records.size();
  }
}

/// Two of five batches of two shards are lost: of shard 0 the record c, of shard 1 the records d and e.
class AcceptedLoss : public LostTail {
 protected:
  AcceptedLoss() {
    create(2);
    put(*open_to_write(), 0, {"a"});
    put(*open_to_write(), 1, {"b"});
    ends_.push_back(log_size());
    put(*open_to_write(), 0, {"c"});
    put(*open_to_write(), 1, {"d", "e"});
    cut_behind(0);
    open_to_write()->maintenance().update({.accept_loss = true});
  }

  Lines lines_and_gaps(ReadRequest request = {}) {
    const auto stream = open_to_read();
    return drain_with_gaps(*stream->read(request), 1);
  }
};

TEST_F(AcceptedLoss, IsAGapInEveryShardThatWasOpen) {
  EXPECT_EQ(lines_and_gaps(), (Lines{"a", "b", "0:2-4", "1:2-4"}));
  EXPECT_EQ(put(*open_to_write(), 0, {"f"}), "5") << "no number of a lost record is used again";
  EXPECT_EQ(put(*open_to_write(), 1, {"g", "h"}), "5");
  EXPECT_EQ(lines_and_gaps(), (Lines{"a", "b", "0:2-4", "1:2-4", "f", "g", "h"}));
  const auto stream = open_to_read();
  const ReadResult first = stream->read({})->next(any_budget);
  EXPECT_EQ(first.batches.size(), 2U);
  EXPECT_TRUE(first.gaps.empty()) << "it is told at its place";
  EXPECT_EQ(
      stream->read({.starts = {{ShardId(0), AfterSequence{SequenceNumber(1)}}}})->next(any_budget).gaps.at(0).reason,
      Gap::Reason::lost);
}

TEST_F(AcceptedLoss, StaysOnRecord) {
  const Loss loss{3, clock_.now()};
  EXPECT_EQ(open_to_read()->describe().losses, (std::vector<Loss>{loss}));
  open_to_write()->maintenance().update({.compression = Compression::none});
  const VerifyReport report = open_to_read()->maintenance().verify([](double) { return true; });
  EXPECT_EQ(report.losses, (std::vector<Loss>{loss}));
  EXPECT_EQ(report.findings, Lines{});
}

TEST_F(AcceptedLoss, IsVerifiedWithWhatComesAfterIt) {
  put(*open_to_write(), 0, {"f"});
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(AcceptedLoss, IsAcceptedOnce) {
  open_to_write()->maintenance().update({.accept_loss = true});
  put(*open_to_write(), 0, {"f"});
  open_to_write()->maintenance().update({.accept_loss = true});
  EXPECT_EQ(open_to_read()->describe().losses.size(), 1U);
}

TEST_F(AcceptedLoss, CanBeFollowedByAnother) {
  put(*open_to_write(), 0, {"f"});
  ends_.push_back(log_size());
  put(*open_to_write(), 0, {"g"});
  cut_behind(1);
  EXPECT_NE(outcome().error, "");
  open_to_write()->maintenance().update({.accept_loss = true});
  EXPECT_EQ(lines_and_gaps(), (Lines{"a", "b", "0:2-4", "1:2-4", "f", "0:6-6", "1:5-5"}));
  EXPECT_EQ(open_to_read()->describe().losses.size(), 2U);
}

TEST_F(AcceptedLoss, DoesNotCountAsRecords) {
  const auto counts = [this] {
    const StreamStatistics statistics = open_to_read()->maintenance().statistics(Detail::all);
    return std::pair(statistics.shards.at(0).records, statistics.shards.at(1).records);
  };
  EXPECT_EQ(counts(), (std::pair<std::optional<std::uint64_t>, std::optional<std::uint64_t>>(1, 1)));
  put(*open_to_write(), 1, {"g", "h"});
  EXPECT_EQ(counts(), (std::pair<std::optional<std::uint64_t>, std::optional<std::uint64_t>>(1, 3)));
  const StreamStatistics statistics = open_to_read()->maintenance().statistics(Detail::all);
  EXPECT_EQ(statistics.shards.at(0).last->sequence.to_string(), "1");
  EXPECT_EQ(statistics.shards.at(1).last->sequence.to_string(), "6");
  const std::vector<ShardStart> from_start{{ShardId(0), TrimHorizon{}}, {ShardId(1), TrimHorizon{}}};
  EXPECT_EQ(open_to_read()->maintenance().backlog(from_start).records,
            (std::vector<std::optional<std::uint64_t>>{1, 3}));
}

TEST_F(AcceptedLoss, IsNotAmongTheLastRecords) {
  put(*open_to_write(), 1, {"g", "h"});
  ReadRequest request;
  request.from = LastRecords{3};
  EXPECT_EQ(lines_and_gaps(request), (Lines{"b", "0:2-4", "1:2-4", "g", "h"}));
  request.from = LastRecords{2};
  EXPECT_EQ(lines_and_gaps(request).back(), "h");
  EXPECT_EQ(data_of(read(*open_to_read(), request)).size(), 2U);
}

TEST_F(AcceptedLoss, IsTrimmedWithWhatIsAroundIt) {
  put(*open_to_write(), 0, {"f"});
  clock_.step(std::chrono::hours(1));
  put(*open_to_write(), 1, {"g"});
  open_to_write()->maintenance().update({.retention = std::chrono::minutes(1)});
  EXPECT_EQ(lines_and_gaps(), (Lines{"g"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
  EXPECT_EQ(put(*open_to_write(), 0, {"i"}), "6");
}

TEST_F(AcceptedLoss, IsNotMissedByAFollowerThatKnewTheLostRecords) {
  // Numbers that were delivered before the loss are not delivered again for other records.
  put(*open_to_write(), 1, {"g"});
  EXPECT_EQ(lines_and_gaps({.starts = {{ShardId(1), AfterSequence{SequenceNumber(3)}}}}), (Lines{"1:4-4", "g"}));
}

TEST_F(AcceptedLoss, GoesOnInTheChildrenOfAShard) {
  test::split(*open_to_write(), 0);
  EXPECT_EQ(put(*open_to_write(), 2, {"f"}), "5");
  EXPECT_EQ(lines_and_gaps(), (Lines{"a", "b", "0:2-4", "1:2-4", "f"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

/// A stream whose records are in the database, in the log, or both, and its damaged forms.
class RandomDamage : public LostTail {
 protected:
  RandomDamage() {
    create(2);
    const auto writer = open_to_write();
    for (int i = 0; i < 24; ++i) {
      // The next commit copies the log into the database.
      if (i == 12) sqlite::WriterLock(file("lock"), true).set_outcome_unknown(true);
      all_.push_back("record " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 50, '.'));
      put(*writer, static_cast<std::uint32_t>(i % 2), {all_.back()});
    }
    for (const char* const name : {"stream.db", "stream.db-wal", "lock"}) original_.push_back(content(file(name)));
  }

  void restore(const std::string& database, const std::string& log) {
    forget_shared_memory();
    write(file("stream.db"), database);
    write(file("stream.db-wal"), log);
    write(file("lock"), original_[2]);
  }

  /// Flips bits, overwrites a stretch, or cuts.
  std::string damage(std::string& bytes) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes.resize(at);
        return "cut at " + std::to_string(at);
      case 1:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min<std::size_t>(512, bytes.size() - at),
                    '\0');
        return "zeroes at " + std::to_string(at);
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        return "a flip at " + std::to_string(at);
    }
  }

  /// Delivers a part of what was stored, from the start on; if something is missing, that is reported.
  void expect_told(const Lines& stored, const std::string& what) {
    const Outcome read = outcome_of_anything();
    ASSERT_LE(read.lines.size(), stored.size()) << what;
    for (std::size_t i = 0; i < read.lines.size(); ++i) ASSERT_EQ(read.lines[i], stored[i]) << what;
    if (read.error.empty()) {
      ASSERT_EQ(read.lines.size(), stored.size()) << "lost in silence: " << what;
    } else {
      ++told_;
    }
  }

  Outcome outcome_of_anything() {
    try {
      return outcome();
    } catch (const Error& error) {
      return {{}, error.what()};
    }
  }

  std::size_t random() { return std::uniform_int_distribution<std::size_t>()(random_); }

  Lines all_;
  std::vector<std::string> original_;
  std::mt19937_64 random_;
  int told_ = 0;
};

TEST_F(RandomDamage, IsReportedIfSomethingIsMissing) {
  random_.seed(test::seed());
  const int rounds = test::count("SHARDLOG_DAMAGES", 200);
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string database = original_[0];
    std::string log = original_[1];
    const bool of_the_log = random() % 2 == 0;
    const std::string what = (of_the_log ? "log, " : "database, ") + damage(of_the_log ? log : database);
    restore(database, log);
    ASSERT_NO_FATAL_FAILURE(expect_told(all_, what));
    restore(database, log);
    Lines more = all_;
    more.push_back("more");
    const auto refusal_of_more = refusal([&] { put(*open_to_write(), 0, {more.back()}, Sync::normal); });
    if (refusal_of_more) ++refused;
    ASSERT_NO_FATAL_FAILURE(expect_told(refusal_of_more ? all_ : more, what + ", then a put"));
  }
  std::cout << rounds << " damaged, " << told_ << " of " << 2 * rounds << " reads told of it, " << refused
            << " puts refused\n";
  EXPECT_GT(told_, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace shardlog
