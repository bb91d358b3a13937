#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/record.h"
#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// Looks for the partition key in one place of a record's data. For one thread at a time.
class KeySource {
 public:
  virtual ~KeySource() = default;

  /// What stands there, which need not be usable as a key. Borrows from `data` or, until release(), from this object.
  /// Nothing where the record has none. Throws malformed where the data is not what it must be to be looked at.
  /// REQUIRES: json_padding readable bytes behind `data`
  virtual std::optional<std::string_view> key_of(std::string_view data) = 0;

  /// How many bytes at the start of the data go with what key_of() found.
  [[nodiscard]] virtual std::size_t taken_off() const { return 0; }

  /// As RecordSource.
  virtual void use_fields(std::span<const std::uint32_t> /*numbers*/) {}
  [[nodiscard]] virtual std::string notice() const { return {}; }

  /// Why key_of() found nothing, where there is more to say than that.
  [[nodiscard]] virtual std::optional<std::string> why_none() const { return std::nullopt; }

  /// Nobody needs the keys of before any more.
  virtual void release() {}
};

/// Gives records their keys, as the options say.
class KeyFinder {
 public:
  /// Throws usage for an expression, a pointer or a key that is not one.
  KeyFinder(const KeyOptions& options, const Framing& framing);

  /// Sets the key to the first usable one, and takes off the data what goes with it. What it borrows is as
  /// KeySource::key_of() has it. Throws malformed as that, and where a record must have a key and does not. REQUIRES:
  /// json_padding readable bytes behind the data
  void find(Record& record);

  /// As RecordSource.
  void use_fields(std::span<const std::uint32_t> numbers);
  [[nodiscard]] std::string notice() const;
  void release();

 private:
  void find_in_data(Record& record);

  std::optional<std::string> constant_;
  std::vector<std::unique_ptr<KeySource>> sources_;
  std::string missing_;
};

}  // namespace shardlog::cli
