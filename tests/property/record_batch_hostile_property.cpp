#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <numeric>
#include <string>
#include <vector>

#include "property/generators.h"
#include "shardlog/core/error.h"
#include "shardlog/core/record_batch.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Whatever the bytes are: an Error, or a batch that stays in its bounds. The sanitizers watch the bounds.
namespace shardlog {
namespace {

/// Decodes and reads all of it. Nothing where that went well.
std::optional<ErrorCode> read(const std::string& payload) {
  return test::refusal([&] { RC_ASSERT(test::hangs_together(test::decode(payload))); });
}

bool refused_or_good(const std::string& payload) {
  const auto code = read(payload);
  return !code || code == ErrorCode::corrupt || code == ErrorCode::unsupported;
}

std::string small_payload() {
  const auto record = rc::gen::exec([] {
    test::OwnedRecord result{*rc::gen::container<std::string>(rc::gen::arbitrary<char>())};
    if (*rc::gen::arbitrary<bool>()) result.key = "key";
    if (*rc::gen::arbitrary<bool>()) result.explicit_hash_key = *test::hash_keys();
    return result;
  });
  const auto records =
      *rc::gen::resize(10, rc::gen::nonEmpty(rc::gen::container<std::vector<test::OwnedRecord>>(record)));
  return std::string(encode(test::borrow(records)).payload.view());
}

/// Numbers that programs get wrong.
rc::Gen<std::uint32_t> awkward_numbers() {
  return rc::gen::oneOf(
      rc::gen::element<std::uint32_t>(0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x100000, 0x100001,
                                      0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
      rc::gen::arbitrary<std::uint32_t>());
}

/// Overwrites 1, 2 or 4 bytes somewhere; never the checksum, which is made anew anyway.
void overwrite(std::string& payload) {
  const std::size_t width = *rc::gen::element<std::size_t>(1, 2, 4);
  if (payload.size() < 32 + width) return;
  const bool in_header = *rc::gen::arbitrary<bool>();
  const std::size_t at = in_header ? *rc::gen::inRange<std::size_t>(8, 24 - width + 1)
                                   : *rc::gen::inRange<std::size_t>(32, payload.size() - width + 1);
  payload.replace(at, width, test::little_endian(*awkward_numbers()).substr(0, width));
}

RC_GTEST_PROP(RecordBatchHostileProperty, RandomBytesAreCorrupt, ()) {
  const std::string payload = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  RC_ASSERT(read(payload) == ErrorCode::corrupt);
}

RC_GTEST_PROP(RecordBatchHostileProperty, RandomBytesAfterAGoodHeader, ()) {
  test::PayloadParts parts{.record_count = *awkward_numbers(), .columns = {}};
  std::string payload = parts.sealed().substr(0, 8) + test::little_endian(*awkward_numbers());
  for (int numbers = 0; numbers < 3; ++numbers) payload += test::little_endian(*awkward_numbers());
  payload += std::string(8, '\0') + *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  test::seal(payload);
  RC_ASSERT(refused_or_good(payload));
}

RC_GTEST_PROP(RecordBatchHostileProperty, AChangeWithoutANewChecksumIsCorrupt, ()) {
  const std::string payload = small_payload();
  for (int times = 0; times < 20; ++times) {
    std::string damaged = payload;
    overwrite(damaged);
    if (damaged != payload) RC_ASSERT(read(damaged) == ErrorCode::corrupt);
  }
}

RC_GTEST_PROP(RecordBatchHostileProperty, ChangesWithANewChecksumStayInBounds, ()) {
  const std::string payload = small_payload();
  for (int times = 0; times < 50; ++times) {
    std::string damaged = payload;
    const int changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i) overwrite(damaged);
    test::seal(damaged);
    RC_ASSERT(refused_or_good(damaged));
  }
}

/// Cuts off or adds at the end, with a header that agrees.
void resize(std::string& payload) {
  std::size_t header = 32;
  for (const char bits : payload.substr(8, 4))
    header += sizeof(std::uint32_t) * static_cast<unsigned>(std::popcount(static_cast<unsigned char>(bits)));
  payload.resize(*rc::gen::inRange<std::size_t>(header, 2 * payload.size()), '\n');
  const std::string body_size = test::little_endian(static_cast<std::uint32_t>(payload.size() - header));
  payload.replace(16, 8, body_size + body_size);
}

RC_GTEST_PROP(RecordBatchHostileProperty, OtherSizesWithANewChecksumStayInBounds, ()) {
  const std::string payload = small_payload();
  for (int times = 0; times < 50; ++times) {
    std::string damaged = payload;
    resize(damaged);
    overwrite(damaged);
    test::seal(damaged);
    RC_ASSERT(refused_or_good(damaged));
  }
}

std::string any_bytes(std::size_t size) {
  return *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
}

/// What belongs there, or, one time in eight, something a little different.
std::size_t nearly(std::size_t size) {
  return *rc::gen::weightedOneOf<std::size_t>(
      {{7, rc::gen::just(size)}, {1, rc::gen::inRange<std::size_t>(0, size + 20)}});
}

struct Lengths {
  std::string column;
  std::size_t sum;
};

Lengths any_lengths(std::uint32_t count) {
  const auto lengths =
      *rc::gen::container<std::vector<std::uint32_t>>(nearly(count), rc::gen::inRange<std::uint32_t>(0, 4));
  const bool shared = *rc::gen::arbitrary<bool>() && !lengths.empty();
  if (shared) return {test::shared_length(lengths.front()), std::size_t{lengths.front()} * count};
  const auto width = *rc::gen::weightedElement<std::uint8_t>({{4, 1}, {4, 2}, {4, 4}, {1, 3}});
  return {test::lengths(width, lengths), std::accumulate(lengths.begin(), lengths.end(), std::size_t{0})};
}

std::string any_explicit_hash_keys(std::uint32_t count) {
  std::string bitmap((count + 7) / 8, '\0');
  std::size_t keys = 0;
  const std::size_t bits = nearly(count);
  for (std::size_t i = 0; i < bits && i / 8 < bitmap.size(); ++i) {
    if (!*rc::gen::arbitrary<bool>()) continue;
    bitmap[i / 8] = static_cast<char>(static_cast<unsigned char>(bitmap[i / 8]) | 1U << i % 8);
    ++keys;
  }
  return bitmap + any_bytes(nearly(16 * keys));
}

RC_GTEST_PROP(RecordBatchHostileProperty, ColumnsThatMayOrMayNotFitStayInBounds, ()) {
  for (int times = 0; times < 20; ++times) {
    const auto count = *rc::gen::inRange<std::uint32_t>(1, 20);
    const Lengths data = any_lengths(count);
    test::PayloadParts parts{.record_count = count, .columns = {{test::column::data_lengths, data.column}}};
    parts.columns[test::column::data] = any_bytes(nearly(data.sum + count));
    if (*rc::gen::arbitrary<bool>()) {
      const Lengths keys = any_lengths(count);
      parts.columns[test::column::key_lengths] = keys.column;
      parts.columns[test::column::keys] = any_bytes(nearly(keys.sum));
    }
    if (*rc::gen::arbitrary<bool>()) parts.columns[test::column::explicit_hash_keys] = any_explicit_hash_keys(count);
    if (*rc::gen::arbitrary<bool>()) parts.columns[*rc::gen::inRange(16U, 32U)] = any_bytes(3);
    RC_ASSERT(refused_or_good(parts.sealed()));
  }
}

}  // namespace
}  // namespace shardlog
