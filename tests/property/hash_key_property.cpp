#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "property/generators.h"
#include "shardlog/core/hash_key.h"

namespace shardlog {
namespace {

/// Decimal by hand, digit after digit, without arithmetic over a byte's.
std::string decimal(const HashKey::Bytes& big_endian) {
  std::vector<unsigned> digits{0};  // the last one first
  for (const unsigned char byte : big_endian) {
    unsigned carry = byte;
    for (unsigned& digit : digits) {
      carry += digit * 256;
      digit = carry % 10;
      carry /= 10;
    }
    for (; carry > 0; carry /= 10) digits.push_back(carry % 10);
  }
  std::string text;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) text += std::to_string(*digit);
  return text;
}

RC_GTEST_PROP(HashKeyProperty, PrintsItsDecimalNumber, ()) {
  const HashKey key = *test::hash_keys();
  RC_ASSERT(key.to_string() == decimal(key.bytes()));
}

RC_GTEST_PROP(HashKeyProperty, ParsesWhatItPrints, ()) {
  const HashKey key = *test::hash_keys();
  RC_ASSERT(HashKey::parse(key.to_string()) == key);
}

RC_GTEST_PROP(HashKeyProperty, IsWhatItsBytesSay, ()) {
  const HashKey key = *test::hash_keys();
  RC_ASSERT(HashKey::from_bytes(key.bytes()) == key);
}

RC_GTEST_PROP(HashKeyProperty, BytesCompareLikeNumbers, ()) {
  const HashKey a = *test::hash_keys();
  const HashKey b = *test::hash_keys();
  RC_ASSERT((a < b) == (a.bytes() < b.bytes()));
}

RC_GTEST_PROP(HashKeyProperty, ParsesNothingButWhatItPrints, ()) {
  const std::string text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789+- x")));
  const auto key = HashKey::parse(text);
  RC_ASSERT((!key || key->to_string() == text));  // in brackets, else both sides are evaluated
}

// 2^128-1 has 39 digits, the first of them a 3.
RC_GTEST_PROP(HashKeyProperty, RefusesEveryNumberOverTheLargest, ()) {
  const auto digit = rc::gen::elementOf(std::string("0123456789"));
  const auto more_digits = *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(38, 60), digit);
  RC_ASSERT(!HashKey::parse(std::to_string(*rc::gen::inRange(4, 10)) + more_digits));
}

}  // namespace
}  // namespace shardlog
