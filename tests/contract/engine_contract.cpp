#include "contract/contract.h"
#include "shardlog/core/uuid.h"

namespace shardlog::contract {
namespace {

class EngineContract : public Contract {};

TEST_P(EngineContract, CreatesAStreamAsItWasAskedFor) {
  CreateOptions options = test::of_shards(3);
  options.settings.max_record_size = 2048;
  options.settings.retention = 24h;
  options.settings.compression = Compression::none;
  options.settings.mode = Mode::on_demand;
  options.settings.tags = {{"team", "blue"}, {"empty", ""}};
  options.attributes = {{"mode", "on-demand"}};
  create(options);
  const StreamDescription described = open()->describe();
  EXPECT_TRUE(is_uuid(described.uuid));
  EXPECT_TRUE(is_now(described.created_at));
  EXPECT_EQ(described.settings.max_record_size, 2048U);
  EXPECT_EQ(described.settings.retention, 24h);
  EXPECT_EQ(described.settings.compression, Compression::none);
  EXPECT_EQ(described.settings.mode, Mode::on_demand);
  EXPECT_EQ(described.settings.tags, options.settings.tags);
  EXPECT_EQ(described.attributes, options.attributes);
  EXPECT_EQ(described.last_arrival, std::nullopt);
  const auto ranges = even_ranges(3);
  ASSERT_EQ(described.map.shards().size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(described.map.shards()[i], (Shard{ShardId(i), ranges[i], described.created_at}));
  }
}

TEST_P(EngineContract, RefusesANameThatIsTaken) {
  create(2);
  const std::string uuid = open()->describe().uuid;
  EXPECT_EQ(refusal([&] { create(3); }), ErrorCode::exists);
  EXPECT_EQ(open()->describe().uuid, uuid);
}

TEST_P(EngineContract, RefusesWhatNoStreamCanBeAndMakesNothing) {
  CreateOptions no_retention;
  no_retention.settings.retention = Duration(0);
  CreateOptions odd_attribute;
  odd_attribute.attributes = {{"", "x"}};
  CreateOptions odd_tag;
  odd_tag.settings.tags = {{std::string(129, 'k'), ""}};
  CreateOptions small_records;
  small_records.settings.max_record_size = smallest_max_record_size - 1;
  for (const CreateOptions& options :
       {no_retention, odd_attribute, odd_tag, small_records, test::of_shards(0), test::of_shards(max_shards + 1)}) {
    EXPECT_EQ(refusal([&] { create(options); }), ErrorCode::usage);
  }
  EXPECT_EQ(refusal([&] { engine_->create(address("a b"), {}, clock_); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { open(); }), ErrorCode::not_found);
}

TEST_P(EngineContract, OpensNothingWhereThereIsNoStream) {
  EXPECT_EQ(refusal([&] { open(Access::read); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { open(Access::write); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { engine_->remove(address(), {}, clock_); }), ErrorCode::not_found);
}

TEST_P(EngineContract, ListsStreamsInTheOrderOfTheirNames) {
  for (const char* const name : {"b", "c", "a"}) engine_->create(address(name), {}, clock_);
  EXPECT_EQ(listed(), (Lines{"a", "b", "c"}));
  EXPECT_EQ(refusal([&] { engine_->list(address("nowhere")); }), ErrorCode::not_found);
}

TEST_P(EngineContract, RemovesAStreamForWhoeverHasItOpen) {
  create();
  engine_->create(address("other"), {}, clock_);
  const auto writer = open();
  put(*writer, 0, {"a"});
  const auto stream = open(Access::read);
  const auto follower = stream->read({.follow = true});
  engine_->remove(address(), {Access::write}, clock_);
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { follower->next(test::any_budget); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { stream->describe(); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { stream->locate(Latest{}, {}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { stream->leases().all(); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { writer->leases().replace({}, Consumer{"c", make_uuid()}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { open(); }), ErrorCode::not_found);
  EXPECT_EQ(listed(), Lines{"other"});
}

TEST_P(EngineContract, MakesAnotherStreamOfARemovedName) {
  create();
  const auto old = open();
  put(*old, 0, {"a"});
  const std::string uuid = old->describe().uuid;
  engine_->remove(address(), {Access::write}, clock_);
  create();
  EXPECT_NE(open()->describe().uuid, uuid);
  EXPECT_EQ(data(*open()), Lines{});
  EXPECT_EQ(refusal([&] { put(*old, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_EQ(data(*open()), Lines{});
}

TEST_P(EngineContract, WritesNothingThroughAStreamThatIsOpenForReading) {
  create();
  const auto stream = open(Access::read);
  EXPECT_NE(refusal([&] { put(*stream, 0, {"a"}); }), std::nullopt);
  EXPECT_NE(refusal([&] { stream->leases().replace({}, Consumer{"c", make_uuid()}); }), std::nullopt);
  EXPECT_NE(refusal([&] { stream->maintenance().update({}); }), std::nullopt);
  EXPECT_NE(refusal([&] { test::split(*stream, 0); }), std::nullopt);
  EXPECT_EQ(data(*open()), Lines{});
  EXPECT_EQ(open()->leases().all().size(), 0U);
}

TEST_P(EngineContract, RefusesWhatItsCapabilitiesRuleOut) {
  create();
  const auto stream = open();
  EXPECT_EQ(stream->capabilities().engine, can().engine);
  const ProducerMove move{{"p", ""}, std::nullopt, {SequenceNumber(1)}};
  const AppendRequest moving{.batches = {}, .moves = {&move, 1}};
  EXPECT_EQ(refusal([&] { stream->append(moving); }), can().producers ? std::nullopt : std::optional(ErrorCode::usage));
  EXPECT_EQ(refusal([&] { stream->maintenance().update({.repair_clock = true}); }),
            can().repairs ? std::nullopt : std::optional(ErrorCode::usage));
}

INSTANTIATE_TEST_SUITE_P(Of, EngineContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
