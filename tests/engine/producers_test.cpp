#include <gtest/gtest.h>
#include <sqlite3.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;
using test::batch_of;
using test::refusal;

class Producers : public test::StreamTest {
 protected:
  Producers() {
    create(2);
    stream_ = open_to_write();
  }

  static ProducerMove move(const ProducerId& id, std::optional<std::uint64_t> from, std::uint64_t to,
                           std::string proof = "") {
    const auto begin = from ? std::optional(SequenceNumber(*from)) : std::nullopt;
    return {id, begin, {SequenceNumber(to), std::move(proof)}};
  }

  /// One commit of one record and these moves. False if the shard is closed.
  bool append(const std::string& data, const std::vector<ProducerMove>& moves, Sync sync = Sync::normal) {
    const RoutedBatch batch = batch_of(0, {data});
    return append_all(*stream_, {&batch, 1}, sync, moves).has_value();
  }

  std::string message(const std::vector<ProducerMove>& moves) {
    try {
      append("never stored", moves);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::fenced);
      return error.what();
    }
    return "";
  }

  [[nodiscard]] Producer at(const ProducerId& id, std::uint64_t position, std::string proof = "") const {
    return {id, {SequenceNumber(position), std::move(proof)}, clock_.now()};
  }

  const ProducerId nightly_{"nightly", ""};
  std::unique_ptr<Stream> stream_;
};

TEST_F(Producers, DoNotExistInANewStream) {
  EXPECT_TRUE(stream_->producers().all().empty());
  EXPECT_TRUE(stream_->producers().of("nightly").empty());
  EXPECT_FALSE(stream_->producers().forget("nightly"));
}

TEST_F(Producers, MoveOnWithTheRecordsTheyStore) {
  const std::string proof("\0\xff proof", 8);
  EXPECT_TRUE(append("a", {move(nightly_, {}, 0, proof)}));
  EXPECT_EQ(open_to_read()->producers().all(), std::vector{at(nightly_, 0, proof)});
  clock_.step(std::chrono::seconds(1));
  EXPECT_TRUE(append("b", {move(nightly_, 0, 7)}));
  EXPECT_EQ(open_to_read()->producers().of("nightly"), std::vector{at(nightly_, 7)});
  EXPECT_EQ(lines(), (Lines{"a", "b"}));
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Producers, AreListedInTheOrderOfTheirNamesAndSources) {
  const std::vector<ProducerId> ids{{"a", ""}, {"a", "1"}, {"a", "2"}, {"b", ""}};
  for (const std::size_t each : {3U, 1U, 0U, 2U}) append("x", {move(ids[each], {}, each)});
  const std::vector<Producer> all{at(ids[0], 0), at(ids[1], 1), at(ids[2], 2), at(ids[3], 3)};
  EXPECT_EQ(stream_->producers().all(), all);
  EXPECT_EQ(stream_->producers().of("a"), (std::vector{all[0], all[1], all[2]}));
  EXPECT_TRUE(stream_->producers().forget("a"));
  EXPECT_FALSE(stream_->producers().forget("a"));
  EXPECT_EQ(stream_->producers().all(), std::vector{all[3]});
}

TEST_F(Producers, MoveOnWithoutRecordsToo) {
  const std::vector<ProducerMove> moves{move(nightly_, {}, 4)};
  EXPECT_EQ(append_all(*stream_, {}, Sync::full, moves).value().size(), 0U);
  EXPECT_EQ(stream_->producers().all(), std::vector{at(nightly_, 4)});
  EXPECT_EQ(lines(), Lines{});
}

TEST_F(Producers, MoveOneAfterTheOtherInOneCommit) {
  EXPECT_TRUE(append("a", {move(nightly_, {}, 1), move({"other", "s"}, {}, 2), move(nightly_, 1, 3)}));
  EXPECT_EQ(stream_->producers().all(), (std::vector{at(nightly_, 3), at({"other", "s"}, 2)}));
}

TEST_F(Producers, ThatAreElsewhereStoreNothing) {
  append("a", {move(nightly_, {}, 5)});
  EXPECT_EQ(message({move(nightly_, 4, 6)}),
            "stream '" + path_ + "': producer 'nightly' is at 5, not at 4 as expected: another run has moved it on");
  EXPECT_EQ(message({move(nightly_, {}, 6)}), "stream '" + path_ +
                                                  "': producer 'nightly' is at 5, not at the start as expected: "
                                                  "another run has moved it on");
  EXPECT_EQ(message({move({"x", "s"}, {}, 1), move({"nightly", "s"}, 5, 6)}),
            "stream '" + path_ + "': producer 'nightly' (source 's') is not at 5 as expected: it was forgotten");
  EXPECT_EQ(stream_->producers().all(), std::vector{at(nightly_, 5)});
  EXPECT_EQ(lines(), Lines{"a"});
  EXPECT_TRUE(append("b", {move(nightly_, 5, 6)})) << "and do so where they are";
}

TEST_F(Producers, OfTwoRunsOneIsRefused) {
  const auto other = open_to_write();
  append("a", {move(nightly_, {}, 5)});
  const RoutedBatch batch = batch_of(0, {"b"});
  const std::vector<ProducerMove> moves{move(nightly_, {}, 5)};
  EXPECT_EQ(refusal([&] { append_all(*other, {&batch, 1}, Sync::full, moves); }), ErrorCode::fenced);
  EXPECT_EQ(put(*other, 0, {"c"}), "2") << "goes on with other things";
}

TEST_F(Producers, DoNotMoveIfAShardIsClosed) {
  append("a", {move(nightly_, {}, 5)});
  test::split(*open_to_write(), 0);
  EXPECT_FALSE(append("b", {move(nightly_, 5, 6)}));
  EXPECT_FALSE(append("b", {move(nightly_, 4, 6)})) << "closed comes before anything else";
  EXPECT_EQ(stream_->producers().all(), std::vector{at(nightly_, 5)});
}

TEST_F(Producers, OfWrongNamesAreRefused) {
  const std::string longest(256, 'x');
  const std::string proof(4096, '\0');
  EXPECT_TRUE(append("a", {move({longest, longest}, {}, 1, proof)}));
  EXPECT_EQ(stream_->producers().of(longest), std::vector{at({longest, longest}, 1, proof)});
  const auto refused = [&](const ProducerMove& wrong) { return refusal([&] { append("b", {wrong}); }); };
  EXPECT_EQ(refused(move({"", ""}, {}, 1)), ErrorCode::usage);
  EXPECT_EQ(refused(move({longest + "x", ""}, {}, 1)), ErrorCode::usage);
  EXPECT_EQ(refused(move({"a", longest + "x"}, {}, 1)), ErrorCode::usage);
  EXPECT_EQ(refused(move({"\xff", ""}, {}, 1)), ErrorCode::usage);
  EXPECT_EQ(refused(move({"a", "\xff"}, {}, 1)), ErrorCode::usage);
  EXPECT_EQ(refused(move({"a", ""}, {}, 1, proof + "x")), ErrorCode::usage);
  EXPECT_EQ(lines(), Lines{"a"});
}

TEST_F(Producers, OfALongNumberAreKept) {
  const auto largest = *SequenceNumber::parse(std::string(129, '9'));
  append("a", {{nightly_, {}, {largest}}});
  EXPECT_EQ(stream_->producers().all(), (std::vector<Producer>{{nightly_, {largest}, clock_.now()}}));
  append("b", {{nightly_, largest, {SequenceNumber(1)}}});
}

TEST_F(Producers, AreBroughtBackByARepairOfTheClock) {
  clock_.step(std::chrono::hours(24));
  append("a", {move(nightly_, {}, 5)});
  clock_.step(-std::chrono::hours(24));
  stream_->maintenance().update({.repair_clock = true});
  EXPECT_EQ(stream_->producers().all(), std::vector{at(nightly_, 5)});
  EXPECT_EQ(findings(*stream_), Lines{});
}

/// As StreamTest, through a VFS that fails on demand.
class FailingProducers : public Producers {
 protected:
  FailingProducers() {
    stream_.reset();
    stream_ = open_to_write();
    append("a", {move(nightly_, {}, 5)}, Sync::full);
  }
  FailingProducers(const FailingProducers&) = delete;
  FailingProducers& operator=(const FailingProducers&) = delete;
  ~FailingProducers() override { stream_.reset(); }

  test::WatchedVfs vfs_;
};

TEST_F(FailingProducers, StayWhereTheyAreIfTheirRecordsAreNotStored) {
  vfs_.set_hook([](test::DatabaseFile file, test::FileCall call) {
    return file == test::DatabaseFile::log && call == test::FileCall::write ? SQLITE_FULL : SQLITE_OK;
  });
  EXPECT_EQ(refusal([&] { append("b", {move(nightly_, 5, 6)}); }), ErrorCode::full);
  vfs_.set_hook(nullptr);
  EXPECT_EQ(stream_->producers().all(), std::vector{at(nightly_, 5)});
  EXPECT_EQ(lines(), Lines{"a"});
  EXPECT_TRUE(append("b", {move(nightly_, 5, 6)})) << "and the same stream goes on from there";
  EXPECT_EQ(lines(), (Lines{"a", "b"}));
}

TEST_F(FailingProducers, AddOnePageToACommit) {
  put(*stream_, 0, {"b"});
  test::CallLog calls(vfs_);
  put(*stream_, 0, {"c"});
  const int without = calls.count(test::DatabaseFile::log, test::FileCall::write);
  calls.clear();
  append("d", {move(nightly_, 5, 6)}, Sync::full);
  EXPECT_EQ(calls.count(test::DatabaseFile::log, test::FileCall::write), without + 2)
      << "a frame's header and its page";
  EXPECT_EQ(calls.count(test::DatabaseFile::log, test::FileCall::sync), 1);
}

class DamagedProducer : public Producers, public testing::WithParamInterface<const char*> {};

TEST_P(DamagedProducer, IsRefusedAndFound) {
  append("a", {move({"a", "s"}, {}, 5, "proof")});
  append("b", {move({"b", ""}, {}, 5)});
  test::RawDatabase(path_).exec("UPDATE producers SET " + std::string(GetParam()) + " WHERE name = 'a'");
  EXPECT_EQ(refusal([&] { stream_->producers().all(); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { stream_->producers().of("a"); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { append("c", {move({"a", "s"}, 5, 6)}); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { append("c", {move({"a", "s"}, {}, 6)}); }), ErrorCode::corrupt) << "not taken for a new one";
  EXPECT_TRUE(append("d", {move({"b", ""}, 5, 6)})) << "others go on";
  EXPECT_EQ(lines(), (Lines{"a", "b", "d"}));
  EXPECT_EQ(findings(*stream_).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Rows, DamagedProducer,
                         testing::Values("name = 'c'", "source = ''", "position = '6'", "position = ''",
                                         "proof = x'00'", "moved_at = 1", "checksum = 0"));

TEST_F(Producers, ThatAreDamagedCanBeForgotten) {
  append("a", {move(nightly_, {}, 5)});
  test::RawDatabase(path_).exec("UPDATE producers SET position = '6'");
  EXPECT_TRUE(stream_->producers().forget("nightly"));
  EXPECT_EQ(findings(*stream_), Lines{});
}

}  // namespace
}  // namespace shardlog
