#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "property/generators.h"
#include "shardlog/core/record_batch.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"

namespace shardlog {
namespace {

RC_GTEST_PROP(RecordBatchProperty, DecodesWhatWasEncoded, ()) {
  const auto records = *test::batches();
  const RecordBatch batch = test::decode(encode(test::borrow(records)).payload.view());
  RC_ASSERT(test::own(batch) == records);
  RC_ASSERT(test::hangs_together(batch));
}

RC_GTEST_PROP(RecordBatchProperty, CompressionChangesNothingButTheSize, ()) {
  auto records = *test::batches();
  const auto batch = records;
  // What repeats can be compressed, as often as a batch has room for it.
  const auto room = max_batch_bytes / std::max<std::size_t>(encode(test::borrow(batch)).data_bytes, 1);
  const auto copies = *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(room, 39) + 1);
  for (std::size_t i = 1; i < copies; ++i) records.insert(records.end(), batch.begin(), batch.end());
  const auto compression = *rc::gen::element(Compression::lz4, Compression::zstd);
  const EncodedBatch plain = encode(test::borrow(records));
  const EncodedBatch compressed = encode(test::borrow(records), compression);
  RC_CLASSIFY(compressed.payload.size() < plain.payload.size());
  RC_ASSERT(compressed.payload.size() <= plain.payload.size());
  RC_ASSERT(compressed.data_bytes == plain.data_bytes);
  const RecordBatch decoded = test::decode(compressed.payload.view());
  RC_ASSERT(test::own(decoded) == records);
  RC_ASSERT(decoded.payload() == compressed.payload.view());
  RC_ASSERT(test::hangs_together(decoded));
}

RC_GTEST_PROP(RecordBatchProperty, CountsRecordsAndBytes, ()) {
  const auto records = *test::batches();
  std::uint64_t bytes = 0;
  for (const auto& record : records) bytes += record.data.size() + record.key.value_or("").size();
  const EncodedBatch encoded = encode(test::borrow(records));
  RC_ASSERT(encoded.record_count == records.size());
  RC_ASSERT(encoded.data_bytes == bytes);
  RC_ASSERT(test::decode(encoded.payload.view()).data_bytes() == bytes);
}

RC_GTEST_PROP(RecordBatchProperty, LinesAreTheDataWithANewlineAfterEachRecord, ()) {
  const auto records = *test::batches();
  std::string lines;
  for (const auto& record : records) lines += record.data + '\n';
  RC_ASSERT(test::decode(encode(test::borrow(records)).payload.view()).lines() == lines);
}

RC_GTEST_PROP(RecordBatchProperty, LinesAreEncodedLikeTheirRecords, ()) {
  std::string lines;
  std::vector<std::uint32_t> lengths;
  auto records = *test::batches();
  for (auto& record : records) {
    record.key.reset();
    record.explicit_hash_key.reset();
    lines += record.data + '\n';
    lengths.push_back(static_cast<std::uint32_t>(record.data.size()));
  }
  RC_ASSERT(encode_lines(lines, lengths).payload.view() == encode(test::borrow(records)).payload.view());
}

}  // namespace
}  // namespace shardlog
