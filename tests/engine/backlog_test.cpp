#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "shardlog/core/error.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;

class BacklogTest : public test::StreamTest {
 protected:
  Backlog backlog(const std::vector<ShardStart>& starts) { return open_to_read()->maintenance().backlog(starts); }
};

using Counts = std::vector<std::optional<std::uint64_t>>;

TEST_F(BacklogTest, OfAnEmptyStreamIsZero) {
  create(2);
  const Backlog found = backlog({{ShardId(1), TrimHorizon{}}, {ShardId(0), AfterSequence{SequenceNumber(7)}}});
  EXPECT_EQ(found.records, (Counts{0, 0}));
  EXPECT_FALSE(found.oldest);
  EXPECT_TRUE(backlog({}).records.empty());
}

TEST_F(BacklogTest, CountsFromEachStart) {
  create(2);
  const auto writer = open_to_write();
  put(*writer, 0, {"a", "b", "c"});
  put(*writer, 1, {"d", "e"});
  const auto behind = [&](const auto& from) { return backlog({{ShardId(0), from}}).records; };
  EXPECT_EQ(behind(TrimHorizon{}), Counts{3});
  EXPECT_EQ(behind(AtSequence{SequenceNumber(0)}), Counts{3});
  EXPECT_EQ(behind(AtSequence{SequenceNumber(1)}), Counts{3});
  EXPECT_EQ(behind(AfterSequence{SequenceNumber(1)}), Counts{2});
  EXPECT_EQ(behind(AtSequence{SequenceNumber(3)}), Counts{1});
  EXPECT_EQ(behind(AfterSequence{SequenceNumber(3)}), Counts{0});
  EXPECT_EQ(behind(AfterSequence{*SequenceNumber::parse("9223372036854775807")}), Counts{0});
  EXPECT_EQ(behind(AtSequence{*SequenceNumber::parse(std::string(129, '9'))}), Counts{0});
  EXPECT_EQ(backlog({{ShardId(1), TrimHorizon{}}, {ShardId(0), AfterSequence{SequenceNumber(2)}}}).records,
            (Counts{2, 1}));
}

TEST_F(BacklogTest, CountsNothingThatArrivedBeforeTheStart) {
  create(2);
  const auto writer = open_to_write();
  const Timestamp time = clock_.now() + 1s;
  const std::vector<ShardStart> starts{{ShardId(0), AtSequence{SequenceNumber(1), time}}, {ShardId(1), TrimHorizon{}}};
  put(*writer, 0, {"a"});
  put(*writer, 1, {"b"});
  EXPECT_EQ(backlog(starts).records, (Counts{0, 1}));
  clock_.step(1s);
  put(*writer, 0, {"c", "d"});
  EXPECT_EQ(backlog(starts).records, (Counts{2, 1}));
  EXPECT_EQ(backlog({starts[0]}).oldest, time);
}

TEST_F(BacklogTest, IsAsOldAsItsFirstRecord) {
  create(3);
  const Timestamp start = clock_.now();
  const auto writer = open_to_write();
  put(*writer, 0, {"read", "a"});
  clock_.step(1s);
  put(*writer, 1, {"b"});
  clock_.step(1s);
  put(*writer, 0, {"c"});
  clock_.step(1s);
  put(*writer, 2, {"d"});
  EXPECT_EQ(backlog({{ShardId(0), AfterSequence{SequenceNumber(1)}}, {ShardId(1), TrimHorizon{}}}).oldest, start);
  EXPECT_EQ(backlog({{ShardId(0), AfterSequence{SequenceNumber(2)}}, {ShardId(1), TrimHorizon{}}}).oldest, start + 1s);
  EXPECT_EQ(backlog({{ShardId(0), AfterSequence{SequenceNumber(2)}}, {ShardId(2), TrimHorizon{}}}).oldest, start + 2s);
  EXPECT_EQ(backlog({{ShardId(0), AfterSequence{SequenceNumber(3)}}, {ShardId(2), TrimHorizon{}}}).oldest, start + 3s);
  EXPECT_FALSE(backlog({{ShardId(0), AfterSequence{SequenceNumber(3)}}}).oldest);
}

TEST_F(BacklogTest, FindsItsFirstRecordAfterAnIndexRow) {
  create(2);
  const auto writer = open_to_write();
  const Timestamp start = clock_.now();
  for (int i = 0; i < 5; ++i) {
    put(*writer, 0, {std::string(3 * test::mebibyte, 'x'), "y"}, Sync::normal);
    clock_.step(1s);
    put(*writer, 1, {std::string(3 * test::mebibyte, 'x')}, Sync::normal);
    clock_.step(1s);
  }
  for (std::uint64_t read = 0; read < 10; ++read) {
    const Backlog found = backlog({{ShardId(0), AfterSequence{SequenceNumber(read)}}});
    EXPECT_EQ(found.records, Counts{10 - read});
    EXPECT_EQ(found.oldest, start + 2s * (read / 2)) << read;
  }
}

TEST_F(BacklogTest, DoesNotCountWhatRetentionTook) {
  create(1);
  const auto writer = open_to_write();
  put(*writer, 0, {"a", "b"});
  clock_.step(10s);
  const Timestamp later = clock_.now();
  put(*writer, 0, {"c"});
  writer->maintenance().update({.retention = 5s});
  for (const auto& from : std::vector<ShardStart>{{ShardId(0), TrimHorizon{}},
                                                  {ShardId(0), AtSequence{SequenceNumber(0)}},
                                                  {ShardId(0), AfterSequence{SequenceNumber(1)}}}) {
    EXPECT_EQ(backlog({from}).records, Counts{1});
    EXPECT_EQ(backlog({from}).oldest, later);
  }
  clock_.step(10s);  // expired, and not removed
  EXPECT_EQ(backlog({{ShardId(0), TrimHorizon{}}}).records, Counts{0});
  EXPECT_FALSE(backlog({{ShardId(0), TrimHorizon{}}}).oldest);
}

TEST_F(BacklogTest, OfAMissingShardIsRefused) {
  create(1);
  try {
    backlog({{ShardId(1), TrimHorizon{}}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace shardlog
