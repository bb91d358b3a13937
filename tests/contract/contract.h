#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/refusal.h"
#include "support/stream_test.h"

/// What an engine promises, as tests of the seam. What not every engine can do is asked of its capabilities.
namespace shardlog::contract {

using namespace std::chrono_literals;
using test::refusal;
using test::told;
using Lines = std::vector<std::string>;

/// An engine under test.
struct Subject {
  std::string name;
  std::function<std::unique_ptr<Engine>()> make;

  friend std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }
};

/// Every engine of this build, and those in memory.
std::vector<Subject> subjects();

inline std::string name_of(const testing::TestParamInfo<Subject>& info) {
  return info.param.name;
}

class Contract : public testing::TestWithParam<Subject> {
 protected:
  Contract() : engine_(GetParam().make()) {}

  [[nodiscard]] const Capabilities& can() const { return engine_->capabilities(); }
  [[nodiscard]] std::string address(const std::string& name = "orders") const { return root() + "/" + name; }
  [[nodiscard]] const std::string& root() const { return directory_.path(); }

  void create(std::uint32_t shards = 1) { engine_->create(address(), test::of_shards(shards), clock_); }
  void create(const CreateOptions& options) { engine_->create(address(), options, clock_); }
  std::unique_ptr<Stream> open(Access access = Access::write) { return engine_->open(address(), {access}, clock_); }

  /// The numbers of records that are appended in one batch.
  static std::vector<SequenceNumber> put(Stream& stream, std::uint32_t shard, const Lines& data) {
    const RoutedBatch batch = test::batch_of(shard, data);
    const auto outcomes = stream.append({{&batch, 1}});
    const auto& stored = std::get<Stored>(outcomes.at(0));
    std::vector<SequenceNumber> numbers;
    for (std::size_t i = 0; i < stored.sequences.size(); ++i) numbers.push_back(stored.sequences[i]);
    return numbers;
  }

  /// The records of a shard, or of all, read from the trim horizon.
  static Lines data(Stream& stream, const std::vector<ShardId>& shards = {}) {
    return test::data_of(test::read(stream, {.shards = shards}));
  }

  static ReadRequest from(Position position, std::vector<ShardId> shards = {}) {
    return {.shards = std::move(shards), .from = std::move(position)};
  }
  static ReadRequest starting(std::vector<ShardStart> starts) { return {.starts = std::move(starts)}; }

  /// An hour goes by, and what was there before is past retention.
  void let_expire(Stream& stream) {
    clock_.step(1h);
    stream.maintenance().update({.retention = 30min});
  }

  test::TemporaryDirectory directory_;
  test::ManualClock clock_;
  std::unique_ptr<Engine> engine_;
};

/// A stream of two shards, which is open for writing.
class TwoShards : public Contract {
 protected:
  TwoShards() {
    create(2);
    stream_ = open();
  }

  std::unique_ptr<Stream> stream_;
};

inline ShardId shard(std::uint32_t number) {
  return ShardId(number);
}

}  // namespace shardlog::contract
