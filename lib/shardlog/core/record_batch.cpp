#include "shardlog/core/record_batch.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/record_batch_format.h"

namespace shardlog {

namespace {

using format::Column;

// Besides its data a record takes at most a newline, two lengths, an explicit hash key and its bit.
static_assert(max_batch_records <= format::max_records);
static_assert(max_batch_bytes + max_batch_records * (1 + 4 + 4 + 17) + 1024 <= format::max_body_size);

// A smaller body takes as many pages either way, so compressing it is not worth the time.
constexpr std::size_t smallest_compressed = 1024;

constexpr std::uint32_t bit(Column column) {
  return 1U << static_cast<unsigned>(column);
}

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::corrupt, "record batch: " + reason);
}

[[noreturn]] void refuse_newer(const std::string& what) {
  throw Error(ErrorCode::unsupported,
              fmt::format("record batch: {} is not known to this program: use a newer shardlog", what));
}

std::uint64_t compute_checksum(std::string_view payload) {
  const std::uint64_t header = XXH3_64bits(payload.data(), format::offset::checksum);
  const std::string_view rest = payload.substr(format::offset::column_sizes);
  return XXH3_64bits_withSeed(rest.data(), rest.size(), header);
}

/// How a column of lengths will be written.
struct LengthsPlan {
  std::uint8_t width = 0;
  std::size_t size = 0;

  template <typename Range>
  static LengthsPlan of(const Range& lengths) {
    const auto [least, most] = std::minmax_element(lengths.begin(), lengths.end());
    if (*least == *most) return {0, 1 + sizeof(std::uint32_t)};
    const std::uint8_t width = *most <= 0xff ? 1 : *most <= 0xffff ? 2 : 4;
    return {width, 1 + width * lengths.size()};
  }

  template <typename Range>
  char* write(char* to, const Range& lengths) const {
    to = store(to, width);
    if (width == 0) return store(to, static_cast<std::uint32_t>(*lengths.begin()));
    if (width == 1) return write_as<std::uint8_t>(to, lengths);
    return width == 2 ? write_as<std::uint16_t>(to, lengths) : write_as<std::uint32_t>(to, lengths);
  }

 private:
  template <typename Number, typename Range>
  static char* write_as(char* to, const Range& lengths) {
    for (const auto length : lengths) to = store(to, static_cast<Number>(length));
    return to;
  }
};

/// Collects the columns' sizes, then hands out the payload to fill, then seals it.
class PayloadWriter {
 public:
  explicit PayloadWriter(std::size_t record_count) : record_count_(record_count) {
    if (record_count == 0 || record_count > max_batch_records) {
      throw Error(ErrorCode::internal, fmt::format("record batch: {} records", record_count));
    }
  }

  /// Call it in the order of the columns' bits.
  void declare(Column column, std::size_t size) {
    columns_ |= bit(column);
    sizes_.at(column_count_++) = static_cast<std::uint32_t>(size);
    body_size_ += size;
  }

  /// Returns where the body starts.
  char* allocate() {
    if (body_size_ > format::max_body_size) {
      throw Error(ErrorCode::internal, fmt::format("record batch: a body of {} bytes", body_size_));
    }
    const std::size_t header = format::offset::column_sizes + column_count_ * sizeof(std::uint32_t);
    payload_ = Bytes(header + body_size_);
    char* const start = payload_.data();
    store(start + format::offset::magic, format::magic);
    store(start + format::offset::version, format::version);
    store(start + format::offset::codec, static_cast<std::uint8_t>(Compression::none));
    store(start + format::offset::zero, std::uint16_t{0});
    store(start + format::offset::columns, columns_);
    store(start + format::offset::record_count, static_cast<std::uint32_t>(record_count_));
    store(start + format::offset::body_size, static_cast<std::uint32_t>(body_size_));
    store(start + format::offset::stored_size, static_cast<std::uint32_t>(body_size_));
    std::memcpy(start + format::offset::column_sizes, sizes_.data(), column_count_ * sizeof(std::uint32_t));
    return start + header;
  }

  EncodedBatch finish(std::uint64_t data_bytes, Compression compression) {
    if (compression != Compression::none && body_size_ >= smallest_compressed) make_smaller(compression);
    store(payload_.data() + format::offset::checksum, compute_checksum(payload_.view()));
    return {std::move(payload_), static_cast<std::uint32_t>(record_count_), data_bytes};
  }

 private:
  void make_smaller(Compression compression) {
    const std::size_t header = payload_.size() - body_size_;
    Bytes room(header + body_size_ - body_size_ / 8);
    const auto stored =
        compress(compression, payload_.view().substr(header), room.data() + header, room.size() - header);
    if (!stored) return;
    std::memcpy(room.data(), payload_.data(), header);
    payload_ = Bytes(room.view().substr(0, header + *stored));  // many may wait for a commit: no room is kept for more
    store(payload_.data() + format::offset::codec, static_cast<std::uint8_t>(compression));
    store(payload_.data() + format::offset::stored_size, static_cast<std::uint32_t>(*stored));
  }

  std::size_t record_count_;
  std::uint32_t columns_ = 0;
  std::array<std::uint32_t, format::column_bits> sizes_{};
  std::size_t column_count_ = 0;
  std::size_t body_size_ = 0;
  Bytes payload_;
};

void check_data_size(std::uint64_t size) {
  if (size > max_batch_bytes) throw Error(ErrorCode::internal, fmt::format("record batch: {} bytes", size));
}

char* append(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

std::size_t bitmap_size(std::size_t bits) {
  return (bits + 7) / 8;
}

char* write_hash_keys(char* to, std::span<const Record> records) {
  char* const bitmap = to;
  std::memset(bitmap, 0, bitmap_size(records.size()));
  to += bitmap_size(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!records[i].explicit_hash_key) continue;
    char& byte = bitmap[i / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << i % 8);
    const HashKey::Bytes bytes = records[i].explicit_hash_key->bytes();
    std::memcpy(to, bytes.data(), bytes.size());
    to += bytes.size();
  }
  return to;
}

struct Sizes {
  explicit Sizes(std::span<const Record> records) {
    data_lengths.reserve(records.size());
    key_lengths.reserve(records.size());
    for (const Record& record : records) {
      const std::size_t key_size = record.key ? record.key->size() : 0;
      data_lengths.push_back(static_cast<std::uint32_t>(record.data.size()));
      key_lengths.push_back(static_cast<std::uint32_t>(key_size));
      data += record.data.size();
      keys += key_size;
      if (record.explicit_hash_key) ++hash_keys;
    }
  }

  std::vector<std::uint32_t> data_lengths;
  std::vector<std::uint32_t> key_lengths;
  std::uint64_t data = 0;  // in bytes, like `keys`
  std::uint64_t keys = 0;
  std::size_t hash_keys = 0;  // how many
};

}  // namespace

EncodedBatch encode(std::span<const Record> records, Compression compression) {
  PayloadWriter writer(records.size());
  const Sizes sizes(records);
  check_data_size(sizes.data + sizes.keys);

  const auto data_plan = LengthsPlan::of(sizes.data_lengths);
  const auto key_plan = LengthsPlan::of(sizes.key_lengths);
  writer.declare(Column::data_lengths, data_plan.size);
  if (sizes.keys > 0) {
    writer.declare(Column::key_lengths, key_plan.size);
    writer.declare(Column::keys, sizes.keys);
  }
  if (sizes.hash_keys > 0) {
    writer.declare(Column::explicit_hash_keys, bitmap_size(records.size()) + sizes.hash_keys * sizeof(HashKey::Bytes));
  }
  writer.declare(Column::data, sizes.data + records.size());

  char* to = writer.allocate();
  to = data_plan.write(to, sizes.data_lengths);
  if (sizes.keys > 0) {
    to = key_plan.write(to, sizes.key_lengths);
    for (const Record& record : records) to = append(to, record.key.value_or(std::string_view()));
  }
  if (sizes.hash_keys > 0) to = write_hash_keys(to, records);
  for (const Record& record : records) {
    to = append(to, record.data);
    *to++ = '\n';
  }
  return writer.finish(sizes.data + sizes.keys, compression);
}

EncodedBatch encode_lines(std::string_view lines, std::span<const std::uint32_t> lengths, Compression compression) {
  PayloadWriter writer(lengths.size());
  const std::uint64_t data_size = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  check_data_size(data_size);
  if (data_size + lengths.size() != lines.size()) {
    throw Error(ErrorCode::internal, "record batch: the lengths are not those of the lines");
  }
  const auto plan = LengthsPlan::of(lengths);
  writer.declare(Column::data_lengths, plan.size);
  writer.declare(Column::data, lines.size());
  append(plan.write(writer.allocate(), lengths), lines);
  return writer.finish(data_size, compression);
}

RecordBatch::Lengths::Lengths(std::string_view column, std::size_t count) {
  if (column.empty()) refuse("an empty column of lengths");
  width_ = static_cast<unsigned char>(column.front());
  values_ = column.substr(1);
  if (width_ == 0) {
    if (values_.size() != sizeof(std::uint32_t)) refuse("a shared length of the wrong size");
    constant_ = load<std::uint32_t>(values_.data());
    return;
  }
  if (width_ != 1 && width_ != 2 && width_ != 4) refuse("lengths of an unknown width");
  if (values_.size() != width_ * count) refuse("a column with the wrong number of lengths");
}

std::size_t RecordBatch::Lengths::operator[](std::size_t index) const {
  switch (width_) {
    case 1:
      return static_cast<unsigned char>(values_[index]);
    case 2:
      return load<std::uint16_t>(values_.data() + index * 2);
    case 4:
      return load<std::uint32_t>(values_.data() + index * 4);
    default:
      return constant_;
  }
}

std::uint64_t RecordBatch::Lengths::sum(std::size_t count) const {
  if (width_ == 0) return std::uint64_t{constant_} * count;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) total += (*this)[i];
  return total;
}

RecordBatch RecordBatch::decode(Bytes payload) {
  RecordBatch batch(std::move(payload));
  batch.check_header();
  batch.find_columns();
  batch.check_columns();
  return batch;
}

void RecordBatch::check_header() const {
  const std::string_view payload = payload_->view();
  if (payload.size() < format::offset::column_sizes) refuse("shorter than its header");
  if (load<std::uint32_t>(payload.data() + format::offset::magic) != format::magic) refuse("not a record batch");
  if (compute_checksum(payload) != payload_checksum(payload)) refuse("checksum mismatch");
  // The bytes are as they were written, so an unknown value means a newer version, not damage.
  const auto version = load<std::uint8_t>(payload.data() + format::offset::version);
  if (version != format::version) {
    refuse_newer(fmt::format("format version {}", version));
  }
  if (compression() > Compression::zstd) {
    refuse_newer(fmt::format("codec {}", static_cast<unsigned>(compression())));
  }
  if (load<std::uint16_t>(payload.data() + format::offset::zero) != 0) refuse("bytes 6 and 7 are not zero");
}

/// Returns the columns, decompressed.
std::string_view RecordBatch::take_body(std::size_t header) {
  const std::string_view payload = payload_->view();
  const std::size_t body_size = load<std::uint32_t>(payload.data() + format::offset::body_size);
  const std::size_t stored_size = load<std::uint32_t>(payload.data() + format::offset::stored_size);
  if (body_size > format::max_body_size) refuse("a body over the limit");
  if (payload.size() != header + stored_size) refuse("its size is not the one in its header");
  const std::string_view stored = payload.substr(header);
  if (compression() == Compression::none) {
    if (body_size != stored_size) refuse("an uncompressed body with two sizes");
    return stored;
  }
  try {
    body_ = std::make_shared<const Bytes>(decompress(compression(), stored, body_size));
  } catch (const Error& error) {
    refuse(error.what());
  }
  return body_->view();
}

void RecordBatch::find_columns() {
  const std::string_view payload = payload_->view();
  record_count_ = load<std::uint32_t>(payload.data() + format::offset::record_count);
  if (record_count_ == 0 || record_count_ > format::max_records) refuse(fmt::format("{} records", record_count_));
  const auto columns = load<std::uint32_t>(payload.data() + format::offset::columns);
  const auto column_count = static_cast<std::size_t>(std::popcount(columns));
  const std::size_t header = format::offset::column_sizes + column_count * sizeof(std::uint32_t);
  if (payload.size() < header) refuse("shorter than its header");
  std::string_view body = take_body(header);

  // In the order of their bits.
  const std::array known{&data_lengths_column_, &key_lengths_column_, &keys_, &hash_keys_, &data_};
  const char* size_at = payload.data() + format::offset::column_sizes;
  for (std::uint32_t left = columns; left != 0; left &= left - 1) {
    const auto number = static_cast<unsigned>(std::countr_zero(left));
    const std::size_t size = load<std::uint32_t>(size_at);
    size_at += sizeof(std::uint32_t);
    if (size > body.size()) refuse("a column reaches beyond the body");
    if (number < known.size()) {
      *known[number] = body.substr(0, size);
    } else if (number < format::first_optional_column) {
      refuse_newer(fmt::format("column {}", number));
    }
    body.remove_prefix(size);
  }
  if (!body.empty()) refuse("bytes after the last column");
}

void RecordBatch::check_columns() {
  data_lengths_ = Lengths(data_lengths_column_, record_count_);
  if (data_lengths_.sum(record_count_) + record_count_ != data_.size()) refuse("lengths and data disagree");
  check_newlines();
  if (!key_lengths_column_.empty()) key_lengths_ = Lengths(key_lengths_column_, record_count_);
  if (key_lengths_.sum(record_count_) != keys_.size()) refuse("lengths and keys disagree");
  if (!hash_keys_.empty()) check_hash_keys();
}

void RecordBatch::check_hash_keys() const {
  const std::size_t bitmap = bitmap_size(record_count_);
  if (hash_keys_.size() < bitmap) refuse("explicit hash keys without a bitmap");
  std::size_t present = 0;
  for (const char byte : hash_keys_.substr(0, bitmap)) {
    present += static_cast<std::size_t>(std::popcount(static_cast<unsigned char>(byte)));
  }
  if (hash_keys_.size() != bitmap + present * sizeof(HashKey::Bytes)) refuse("explicit hash keys and bitmap disagree");
  const std::size_t used = record_count_ % 8;  // bits of the last byte; 0 means all
  if (used != 0 && static_cast<unsigned char>(hash_keys_[bitmap - 1]) >> used != 0) {
    refuse("explicit hash keys after the last record");
  }
}

/// Lines are written out as they are stored: a line that does not end where its length says would become another
/// record.
void RecordBatch::check_newlines() const {
  const char* at = data_.data();
  for (std::size_t i = 0; i < record_count_; ++i) {
    at += data_lengths_[i];
    if (*at++ != '\n') refuse("data without the newline after it");
  }
}

bool RecordBatch::has_explicit_hash_key(std::size_t index) const {
  if (hash_keys_.empty()) return false;
  const unsigned bits = static_cast<unsigned char>(hash_keys_[index / 8]);
  return (bits >> index % 8 & 1U) != 0;
}

Compression RecordBatch::compression() const {
  return static_cast<Compression>(load<std::uint8_t>(payload_->data() + format::offset::codec));
}

std::uint64_t RecordBatch::checksum() const {
  return payload_checksum(payload_->view());
}

Record RecordBatch::Iterator::operator*() const {
  Record record{batch_->data_.substr(data_at_, batch_->data_lengths_[index_]), std::nullopt};
  if (const std::size_t key_size = batch_->key_lengths_[index_]; key_size > 0) {
    record.key = batch_->keys_.substr(key_at_, key_size);
  }
  if (batch_->has_explicit_hash_key(index_)) {
    HashKey::Bytes bytes{};
    const std::size_t bitmap = bitmap_size(batch_->record_count_);
    std::memcpy(bytes.data(), batch_->hash_keys_.data() + bitmap + hash_key_at_, bytes.size());
    record.explicit_hash_key = HashKey::from_bytes(bytes);
  }
  return record;
}

RecordBatch::Iterator& RecordBatch::Iterator::operator++() {
  data_at_ += batch_->data_lengths_[index_] + 1;
  key_at_ += batch_->key_lengths_[index_];
  if (batch_->has_explicit_hash_key(index_)) hash_key_at_ += sizeof(HashKey::Bytes);
  ++index_;
  return *this;
}

std::uint64_t payload_checksum(std::string_view payload) {
  return load<std::uint64_t>(payload.data() + format::offset::checksum);
}

}  // namespace shardlog
