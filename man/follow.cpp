// Creates a stream, puts records into it, follows it, and reads it as a consumer.

#include <shardlog/shardlog.h>

#include <array>
#include <iostream>

using namespace shardlog;

void print(const char* how, ShardId shard, const RecordBatch& records, std::size_t first, std::size_t count) {
  std::size_t index = 0;
  for (const Record record : records) {
    if (index >= first && index < first + count) {
      std::cout << how << ' ' << shard.number() << ' ' << record.key.value_or("-") << ' ' << record.data << '\n';
    }
    ++index;
  }
}

void put(Stream& stream, const Clock& clock) {
  producing::Producer producer(stream, clock);
  const std::array<Record, 3> records{{{"2 apples", "anna"}, {"1 pear", "dave"}, {"5 plums", "anna"}}};
  for (const auto& outcome : producer.put(records)) {
    if (const auto* failed = std::get_if<producing::RecordNotStored>(&outcome))
      throw Error(failed->code, failed->reason);
  }
}

// Reads from the oldest record on, and waits for new ones until it has seen `wanted` records.
void follow(Stream& stream, std::size_t wanted) {
  const auto reader = stream.read({.follow = true});
  for (std::size_t seen = 0; seen < wanted;) {
    const ReadResult result = reader->next(1024 * 1024);
    for (const StoredBatch& batch : result.batches) {
      print("followed", batch.shard, batch.records, batch.first, batch.count);
      seen += batch.count;
    }
    if (result.batches.empty()) reader->wait(std::chrono::seconds(1), {});
  }
}

class Printer : public consuming::Delivery {
 public:
  bool deliver(const consuming::Batch& batch, consuming::Lifeline&) override {
    for (const auto& [stored, first, count] : batch.slices) {
      print("consumed", batch.shard, stored->records, first, count);
    }
    processed_.push_back({batch.shard, batch.last_sequence()});
    return true;
  }
  bool tell(const Gap& gap) override {
    std::cerr << "retention removed records of " << gap.shard.to_string() << '\n';
    return true;
  }
  std::vector<consuming::Processed> processed() override { return std::exchange(processed_, {}); }
  void flush(consuming::Lifeline&) override {}
  void finish(consuming::Lifeline&) override {}

 private:
  std::vector<consuming::Processed> processed_;
};

int main(int argc, char** argv) try {
  const std::string address = argc > 1 ? argv[1] : "orders";
  const SystemClock clock;
  create(address, {.shards = 2}, clock);
  const auto stream = shardlog::open(address, {.access = Access::write}, clock);
  put(*stream, clock);
  follow(*stream, 3);
  consuming::make_consumer(*stream, "billing", TrimHorizon{}, clock);
  Printer printer;
  consuming::run_worker({.consumer = "billing", .worker = "example"}, *stream, printer, clock, {});
} catch (const Error& error) {
  std::cerr << "follow: " << error.what() << '\n';
  return error.code() == ErrorCode::busy ? 75 : 1;
}
