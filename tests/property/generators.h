#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/core/hash_key.h"
#include "support/owned_record.h"

namespace shardlog {

/// How a counterexample is shown.
inline void showValue(HashKey key, std::ostream& out) {
  out << key.to_string();
}  // NOLINT(*-naming): RapidCheck's name

}  // namespace shardlog

namespace shardlog::test {

/// Anywhere in the key space, and often near its ends.
inline rc::Gen<HashKey> hash_keys() {
  const auto halves = rc::gen::pair(rc::gen::arbitrary<std::uint64_t>(), rc::gen::arbitrary<std::uint64_t>());
  const auto anywhere = rc::gen::map(halves, [](const std::pair<std::uint64_t, std::uint64_t>& half) {
    return HashKey(HashKey::Value{half.first} << 64 | half.second);
  });
  const auto from_top = rc::gen::map(rc::gen::arbitrary<std::uint8_t>(),
                                     [](std::uint8_t distance) { return HashKey(max_hash_key.value() - distance); });
  return rc::gen::oneOf(anywhere, anywhere, anywhere, from_top);
}

/// Any bytes, usually few, and now and then as many as a width of lengths just holds or just does not.
inline rc::Gen<std::string> byte_strings() {
  const auto few = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const auto around_a_width = rc::gen::map(rc::gen::element<std::size_t>(254, 255, 256, 257, 65535, 65536),
                                           [](std::size_t size) { return std::string(size, '\n'); });
  return rc::gen::weightedOneOf<std::string>({{30, few}, {1, around_a_width}});
}

inline rc::Gen<OwnedRecord> records() {
  return rc::gen::exec([] {
    OwnedRecord record{*byte_strings()};
    if (*rc::gen::arbitrary<bool>()) record.key = *rc::gen::nonEmpty(byte_strings());
    if (*rc::gen::arbitrary<bool>()) record.explicit_hash_key = *hash_keys();
    return record;
  });
}

/// At least one record; sometimes none has a key, or an explicit hash key, or all have the same size.
inline rc::Gen<std::vector<OwnedRecord>> batches() {
  return rc::gen::exec([] {
    auto batch = *rc::gen::nonEmpty(rc::gen::container<std::vector<OwnedRecord>>(records()));
    const bool keyless = *rc::gen::arbitrary<bool>();
    const bool without_hash_keys = *rc::gen::arbitrary<bool>();
    const bool of_one_size = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    for (OwnedRecord& record : batch) {
      if (keyless) record.key.reset();
      if (without_hash_keys) record.explicit_hash_key.reset();
      if (of_one_size) record.data.resize(batch.front().data.size());
    }
    return batch;
  });
}

}  // namespace shardlog::test
