#include <string>
#include <variant>

#include "fuzz/fuzz.h"
#include "shardlog/metrics/measures.h"
#include "support/refusal.h"

// Measures of any bytes are refused, or they come back as they were read, and can be added up.
namespace shardlog::fuzz {
namespace {

using metrics::Measures;

void check_histogram(const metrics::Histogram& histogram) {
  require(histogram.at_most(Duration::max()) == histogram.count(),
          "all are at most as long as the longest that can be");
  Duration before{0};
  for (const double part : {0.0, 0.5, 0.99, 1.0}) {
    const Duration length = histogram.percentile(part);
    require(length >= before, "a higher percentile is no shorter");
    before = length;
  }
  require(before == histogram.max(), "the last percentile is the maximum");
}

void decode(std::string_view bytes) {
  const Measures measures = Measures::decode(bytes);
  require(Measures::decode(measures.encode()) == measures, "what was read is written as it was");
  Measures sum = measures;
  for (int i = 0; i < 3; ++i) sum += Measures(sum);
  require(Measures::decode(sum.encode()) == sum, "a sum can be stored");
  check_histogram(measures.put);
  check_histogram(sum.put);
  for (const auto& [name, reader] : measures.readers) {
    for (const auto& histogram : {reader.read, reader.propagation, reader.age}) check_histogram(histogram);
  }
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto code = shardlog::test::refusal([&] { shardlog::fuzz::decode(shardlog::fuzz::text_of(data, size)); });
  shardlog::fuzz::require(!code || code == shardlog::ErrorCode::corrupt, "refused as damaged");
  return 0;
}
