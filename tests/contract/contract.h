#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

/// What an engine promises, as tests of the seam. What not every engine can do is asked of its capabilities.
namespace shardlog::contract {

using namespace std::chrono_literals;
using test::refusal;
using test::told;
using Lines = std::vector<std::string>;

/// Where the streams of one test are, which other tests leave alone.
class Place {
 public:
  virtual ~Place() = default;

  /// What Engine::list() is asked for. It may list streams of other places too.
  [[nodiscard]] virtual std::string root() const = 0;
  [[nodiscard]] virtual std::string address(const std::string& name) const = 0;
  /// Of an address of this place; nullopt for any other.
  [[nodiscard]] virtual std::optional<std::string> name_of(const std::string& address) const = 0;
  /// Removes the streams that a test has left.
  virtual void clear(Engine& /*engine*/, const Clock& /*clock*/) {}
};

/// A directory that goes away.
class Directory final : public Place {
 public:
  [[nodiscard]] std::string root() const override { return directory_.path(); }
  [[nodiscard]] std::string address(const std::string& name) const override { return root() + "/" + name; }
  [[nodiscard]] std::optional<std::string> name_of(const std::string& address) const override {
    if (!address.starts_with(root() + "/")) return std::nullopt;
    return address.substr(root().size() + 1);
  }

 private:
  test::TemporaryDirectory directory_;
};

/// An engine under test.
struct Subject {
  std::string name;
  std::function<std::unique_ptr<Engine>()> make;
  std::function<std::unique_ptr<Place>()> place = [] { return std::make_unique<Directory>(); };

  friend std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }
};

/// Every engine of this build, and those in memory.
std::vector<Subject> subjects();

inline std::string name_of(const testing::TestParamInfo<Subject>& info) {
  return info.param.name;
}

class Contract : public testing::TestWithParam<Subject> {
 protected:
  Contract() : place_(GetParam().place()), engine_(GetParam().make()) {
    if (!can().clock_of_caller) clock_.run();
  }
  ~Contract() override { place_->clear(*engine_, clock_); }

  [[nodiscard]] const Capabilities& can() const { return engine_->capabilities(); }
  [[nodiscard]] std::string address(const std::string& name = "orders") const { return place_->address(name); }

  /// The names of the streams of this test, as the engine lists them.
  Lines listed() {
    Lines names;
    for (const std::string& each : engine_->list(place_->root())) {
      const auto name = place_->name_of(each);
      if (!name) continue;
      EXPECT_EQ(each, address(*name));
      names.push_back(*name);
    }
    return names;
  }

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

  /// Time goes by. An engine that has clocks of its own cannot be told so: then it is just enough to tell times apart.
  void let_pass(Duration time) {
    if (can().clock_of_caller) {
      clock_.step(time);
    } else {
      std::this_thread::sleep_for(2ms);
    }
  }

  /// A time after everything so far, and before everything from now on.
  Timestamp between() {
    let_pass(30s);
    const Timestamp time = clock_.now();
    let_pass(30s);
    return time;
  }

  /// A time that has not come yet, but will when it is waited for.
  [[nodiscard]] Timestamp soon() const { return clock_.now() + (can().clock_of_caller ? 1min : 2s); }
  void let_come(Timestamp time) {
    if (can().clock_of_caller) clock_.set(time + 1min);
    EXPECT_TRUE(test::wait_until([&] { return clock_.now() > time + 2ms; }));
  }

  /// Whether this happened now; exactly now on an engine that has the clock of the test.
  testing::AssertionResult is_now(Timestamp time) {
    const bool is = can().clock_of_caller ? time == clock_.now() : time > began_ - 1s && time < clock_.now() + 1s;
    if (is) return testing::AssertionSuccess();
    return testing::AssertionFailure() << to_rfc3339(time) << " is not now, " << to_rfc3339(clock_.now());
  }

  /// Whether an append told when a record arrived. Where the servers' clocks say so, it can only estimate it.
  testing::AssertionResult is_arrival(Timestamp told, Timestamp read) {
    const Duration off = can().clock_of_caller ? 0us : Duration(1s);
    if (told >= read - off && told <= read + off) return testing::AssertionSuccess();
    return testing::AssertionFailure() << to_rfc3339(told) << " is not " << to_rfc3339(read);
  }

  /// When the newest record arrived, as readers see it.
  static Timestamp last_arrival(Stream& stream) { return test::read(stream).back().arrived_at; }

  /// An hour goes by, and what was there before is past retention.
  void let_expire(Stream& stream) {
    let_pass(1h);
    if (can().clock_of_caller) {
      stream.maintenance().update({.retention = 30min});
      return;
    }
    EXPECT_TRUE(test::wait_until([&] {
      stream.maintenance().update({.retention = 1ms});
      return data(stream).empty();
    }));
    stream.maintenance().update({.retention = 30min});
  }

  const Timestamp began_ = SystemClock().now();
  std::unique_ptr<Place> place_;
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
