#include <string>

#include "fuzz/fuzz.h"
#include "shardlog/core/record_batch.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Any bytes are refused, or a batch that can be read to its end and written again.
namespace shardlog::fuzz {
namespace {

void read_and_write(std::string_view payload) {
  const RecordBatch batch = test::decode(payload);
  require(batch.payload() == payload, "a batch keeps its payload");
  require(test::hangs_together(batch), "a batch agrees with itself");
  const auto records = test::own(batch);
  const EncodedBatch again = encode(test::borrow(records));
  require(test::own(test::decode(again.payload.view())) == records, "what was read can be written");
}

void check(std::string_view payload) {
  const auto code = test::refusal([&] { read_and_write(payload); });
  require(!code || code == ErrorCode::corrupt || code == ErrorCode::unsupported, "refused as corrupt or unsupported");
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string payload(shardlog::fuzz::text_of(data, size));
  shardlog::fuzz::check(payload);
  if (size >= 32) {
    shardlog::test::seal(payload);
    shardlog::fuzz::check(payload);
  }
  return 0;
}
