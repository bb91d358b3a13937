#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shardlog/core/bytes.h"
#include "shardlog/core/compression.h"
#include "shardlog/core/export.h"
#include "shardlog/core/record.h"

namespace shardlog {

/// The bounds of one batch. One record of the largest size is within them.
constexpr std::size_t max_batch_records = 1UL << 20;
constexpr std::size_t max_batch_bytes = 16UL * 1024 * 1024;  ///< data and keys

/// A batch as every engine stores it, with what an engine has to know about it.
struct EncodedBatch {
  Bytes payload;
  std::uint32_t record_count = 0;
  std::uint64_t data_bytes = 0;  ///< data and keys
};

/// Encodes 1 to max_batch_records records of at most max_batch_bytes in all. The views are read during the call only.
/// A body is compressed only if it has 1 KiB or more and gets smaller by an eighth or more. Throws internal if a bound
/// is broken: the caller must cut batches.
SHARDLOG_API EncodedBatch encode(std::span<const Record> records, Compression compression = Compression::none);

/// The same for records without keys that are already in memory in the form in which they are stored. `lines` is each
/// record followed by a newline; `lengths` are the sizes of the records without it. Copies `lines` once.
SHARDLOG_API EncodedBatch encode_lines(std::string_view lines, std::span<const std::uint32_t> lengths,
                                       Compression compression = Compression::none);

/// A decoded batch. Its copies share its bytes. Iterates over Records that borrow from it.
class RecordBatch {
 public:
  /// Checks the checksum, and every length before it uses it. Throws corrupt, and unsupported for a batch that a newer
  /// version wrote.
  SHARDLOG_API static RecordBatch decode(Bytes payload);

  class Iterator {
   public:
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using reference = Record;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;

    SHARDLOG_API Record operator*() const;
    SHARDLOG_API Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    friend class RecordBatch;
    Iterator(const RecordBatch& batch, std::size_t index) : batch_(&batch), index_(index) {}

    const RecordBatch* batch_;
    std::size_t index_;
    std::size_t data_at_ = 0;
    std::size_t key_at_ = 0;
    std::size_t hash_key_at_ = 0;
  };

  [[nodiscard]] std::size_t size() const { return record_count_; }
  [[nodiscard]] std::size_t data_bytes() const { return data_.size() - record_count_ + keys_.size(); }
  [[nodiscard]] Iterator begin() const { return {*this, 0}; }
  [[nodiscard]] Iterator end() const { return {*this, record_count_}; }

  /// The data of all records, each followed by a newline.
  [[nodiscard]] std::string_view lines() const { return data_; }

  /// The bytes given to decode().
  [[nodiscard]] std::string_view payload() const { return payload_->view(); }

  /// Bytes of memory that the batch takes.
  [[nodiscard]] std::size_t memory() const { return payload_->size() + (body_ ? body_->size() : 0); }

  [[nodiscard]] SHARDLOG_API Compression compression() const;

  /// The checksum of the payload, which an engine includes in a checksum of its own.
  [[nodiscard]] SHARDLOG_API std::uint64_t checksum() const;

 private:
  /// A column of lengths, read in place.
  class Lengths {
   public:
    Lengths() = default;
    /// Throws corrupt unless `column` holds `count` lengths.
    Lengths(std::string_view column, std::size_t count);

    [[nodiscard]] std::size_t operator[](std::size_t index) const;
    [[nodiscard]] std::uint64_t sum(std::size_t count) const;

   private:
    std::string_view values_;
    std::size_t width_ = 0;
    std::size_t constant_ = 0;
  };

  explicit RecordBatch(Bytes payload) : payload_(std::make_shared<const Bytes>(std::move(payload))) {}

  void check_header() const;
  std::string_view take_body(std::size_t header);
  void find_columns();
  void check_columns();
  void check_hash_keys() const;
  void check_newlines() const;
  [[nodiscard]] bool has_explicit_hash_key(std::size_t index) const;

  std::shared_ptr<const Bytes> payload_;  // the views below point into it or into body_
  std::shared_ptr<const Bytes> body_;     // decompressed; null if the payload is not compressed
  std::size_t record_count_ = 0;
  Lengths data_lengths_;
  Lengths key_lengths_;
  std::string_view data_lengths_column_;
  std::string_view key_lengths_column_;
  std::string_view keys_;
  std::string_view hash_keys_;
  std::string_view data_;
};

/// The checksum inside an encoded payload. REQUIRES: made by encode() or accepted by decode()
SHARDLOG_API std::uint64_t payload_checksum(std::string_view payload);

}  // namespace shardlog
