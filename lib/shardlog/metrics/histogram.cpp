#include "shardlog/metrics/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/numbers.h"
#include "shardlog/core/varint.h"

namespace shardlog::metrics {

namespace {

// A length of 2^7 us or more is kept with its highest 7 bits. So each power of two has 64 buckets:
//
//     length   0 1 2 ... 127 | 128 130 ... 254 | 256 260 ... 508 | 512 ...
//     bucket   0 1 2 ... 127 | 128 129 ... 191 | 192 193 ... 255 | 256 ...
constexpr unsigned kept_bits = 7;
constexpr std::uint32_t exact = 1U << kept_bits;   // lengths that have buckets of their own
constexpr std::uint32_t in_an_octave = exact / 2;  // buckets
constexpr std::uint32_t octaves = 63 - kept_bits;  // of longer lengths: a Duration has 63 bits
constexpr std::uint32_t buckets = exact + octaves * in_an_octave;

/// The most that a bucket counts, so that no sum of buckets overflows.
constexpr std::uint64_t most_in_bucket = std::uint64_t{1} << 50;

std::uint32_t bucket_of(Duration length) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count(), 0));
  if (value < exact) return static_cast<std::uint32_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kept_bits;
  return shift * in_an_octave + static_cast<std::uint32_t>(value >> shift);
}

/// The middle of the bucket.
Duration length_of(std::uint32_t bucket) {
  if (bucket < exact) return Duration(bucket);
  const unsigned shift = bucket / in_an_octave - 1;
  const std::uint64_t least = std::uint64_t{bucket % in_an_octave + in_an_octave} << shift;
  return Duration(static_cast<std::int64_t>(least + ((std::uint64_t{1} << shift) - 1) / 2));
}

/// Returns by how many the bucket counts more.
std::uint64_t add_to(auto& bucket, std::uint64_t times) {
  const std::uint64_t added = std::min(times, most_in_bucket - bucket.times);
  bucket.times += added;
  return added;
}

[[noreturn]] void refuse_histogram(const char* reason) {
  throw Error(ErrorCode::corrupt, std::string("a histogram ") + reason);
}

}  // namespace

void Histogram::add(Duration length, std::uint64_t times) {
  if (times == 0) return;
  length = std::max(length, Duration(0));
  const std::uint32_t index = bucket_of(length);
  if (latest_ >= buckets_.size() || buckets_[latest_].index != index) find(index);
  count_ += add_to(buckets_[latest_], times);
  sum_ += static_cast<double>(length.count()) * static_cast<double>(times);
  max_ = std::max(max_, length);
}

/// Makes it the latest bucket.
void Histogram::find(std::uint32_t index) {
  auto bucket = std::ranges::lower_bound(buckets_, index, {}, &Bucket::index);
  if (bucket == buckets_.end() || bucket->index != index) bucket = buckets_.insert(bucket, {index, 0});
  latest_ = static_cast<std::size_t>(bucket - buckets_.begin());
}

void Histogram::add(const Histogram& other) {
  if (other.empty()) return;
  std::vector<Bucket> sum;
  auto own = buckets_.begin();
  for (const Bucket& each : other.buckets_) {
    while (own != buckets_.end() && own->index < each.index) sum.push_back(*own++);
    const bool is_in_both = own != buckets_.end() && own->index == each.index;
    sum.push_back(is_in_both ? *own++ : Bucket{each.index, 0});
    count_ += add_to(sum.back(), each.times);
  }
  sum.insert(sum.end(), own, buckets_.end());
  buckets_ = std::move(sum);
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

Duration Histogram::percentile(double part) const {
  if (part >= 1) return max_;
  const auto all = static_cast<double>(count_);
  const double rank = std::max(rounded_up(std::max(part, 0.0) * all), 1.0);
  double passed = 0;
  for (const auto& [bucket, times] : buckets_) {
    passed += static_cast<double>(times);
    if (passed >= rank && rank < all) return std::min(length_of(bucket), max_);
  }
  return max_;
}

std::uint64_t Histogram::at_most(Duration length) const {
  if (length < Duration(0)) return 0;
  std::uint64_t result = 0;
  const auto end = std::ranges::upper_bound(buckets_, bucket_of(length), {}, &Bucket::index);
  for (auto bucket = buckets_.begin(); bucket != end; ++bucket) result += bucket->times;
  return result;
}

void Histogram::encode(std::string& out) const {
  append_varint(out, buckets_.size());
  if (empty()) return;
  std::uint32_t least = 0;
  for (const auto& [bucket, times] : buckets_) {
    append_varint(out, bucket - least);
    append_varint(out, times);
    least = bucket + 1;
  }
  append_varint(out, static_cast<std::uint64_t>(max_.count()));
  const std::size_t size = out.size();
  out.resize(size + sizeof(std::uint64_t));
  store(out.data() + size, std::bit_cast<std::uint64_t>(sum_));
}

Histogram Histogram::decode(std::string_view& in) {
  Histogram result;
  std::uint64_t least = 0;
  for (std::uint64_t left = take_varint(in); left > 0; --left) {
    const std::uint64_t bucket = least + std::min<std::uint64_t>(take_varint(in), buckets);
    if (bucket >= buckets) refuse_histogram("has a bucket that does not exist");
    const std::uint64_t times = take_varint(in);
    if (times == 0 || times > most_in_bucket) refuse_histogram("has an impossible count");
    result.buckets_.push_back({static_cast<std::uint32_t>(bucket), times});
    result.count_ += times;
    least = bucket + 1;
  }
  if (result.empty()) return result;
  result.max_ = Duration(static_cast<std::int64_t>(take_varint(in)));
  if (bucket_of(result.max_) != result.buckets_.back().index)
    refuse_histogram("has a maximum that is not in its last bucket");
  if (in.size() < sizeof(std::uint64_t)) refuse_histogram("is cut off");
  result.sum_ = std::bit_cast<double>(load<std::uint64_t>(in.data()));
  in.remove_prefix(sizeof(std::uint64_t));
  if (!std::isfinite(result.sum_) || result.sum_ < 0) refuse_histogram("has an impossible sum");
  return result;
}

}  // namespace shardlog::metrics
