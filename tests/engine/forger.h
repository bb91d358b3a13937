#pragma once

#include <fmt/format.h>
#include <sqlite3.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/raw_database.h"

namespace shardlog::test {

/// A database whose checksums can be made right again after anything was changed, by the rules of shardlog(5).
class Forger : public RawDatabase {
 public:
  explicit Forger(const std::string& stream) : RawDatabase(stream) {
    exec("PRAGMA synchronous=OFF");
    define("row_checksum", [](Values values) { return hash(joined(values)); });
    define("numbers_checksum", [](Values values) { return hash(numbers(values)); });
    define("shard_checksum", [](Values values) { return hash(shard_line(values)); });
    define("tails_checksum", [](Values values) {
      return hash(bytes_of(values[2]), static_cast<std::uint64_t>(hash(numbers(values.first(2)))));
    });
    define("stretch_checksum", [](Values values) {
      return hash(bytes_of(values[1]), static_cast<std::uint64_t>(hash(numbers(values.first(1)))));
    });
  }

  /// Makes the checksums of a table right.
  void seal(const std::string& table) {
    static const std::map<std::string, std::string> rules{
        {"batch_index", "tails_checksum(batch, arrived_at, tails)"},
        {"batch_shards", "stretch_checksum(last_batch, shards)"},
        {"batches",
         "numbers_checksum(id, shard, first_sequence, record_count, arrived_at, data_bytes, "
         "begins_append, payload_checksum)"},
        {"consumers", "row_checksum(uuid, name, generation, created_at, leases)"},
        {"leases",
         "row_checksum(consumer, shard, owner, owner_process, claimant, claimant_process, epoch, counter, generation, "
         "checkpoint)"},
        {"metrics", "row_checksum(span, start, data)"},
        {"segments", "numbers_checksum(id, end, sealed, last_batch)"},
        {"producers", "row_checksum(name, source, position, proof, moved_at)"},
        {"shards",
         "shard_checksum(id, first_hash_key, last_hash_key, parent, adjacent_parent, opened_at, closed_at, "
         "first_sequence)"},
        {"trim_horizon", "tails_checksum(batch, arrived_at, tails)"}};
    if (table == "settings") return seal_settings();
    exec(fmt::format("UPDATE {} SET checksum = {}", table, rules.at(table)));
  }

  /// Replaces a payload, and makes its own checksum right and that of its row.
  void store_payload(std::int64_t batch, std::string payload) {
    constexpr std::size_t checksum = 24;
    constexpr std::size_t rest = 32;
    const auto value = hash(std::string_view(payload).substr(rest),
                            static_cast<std::uint64_t>(hash(std::string_view(payload).substr(0, checksum))));
    std::memcpy(payload.data() + checksum, &value, sizeof value);
    SQLite::Statement update(*this, "UPDATE batches SET payload = ?, payload_checksum = ? WHERE id = ?");
    update.bind(1, static_cast<const void*>(payload.data()), static_cast<int>(payload.size()));
    update.bind(2, value);
    update.bind(3, batch);
    update.exec();
    seal("batches");
  }

 private:
  using Values = std::span<sqlite3_value*>;

  static std::int64_t hash(std::string_view bytes, std::uint64_t seed = 0) {
    return static_cast<std::int64_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
  }

  static std::string bytes_of(sqlite3_value* value) {
    const void* const blob = sqlite3_value_blob(value);
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    return blob == nullptr ? "" : std::string(static_cast<const char*>(blob), size);
  }

  /// Each column as its size, a colon, its bytes and a newline; NULL is a hyphen.
  static std::string joined(Values values) {
    std::string all;
    for (sqlite3_value* const value : values) {
      const std::string text = bytes_of(value);
      all += sqlite3_value_type(value) == SQLITE_NULL ? "-\n" : fmt::format("{}:{}\n", text.size(), text);
    }
    return all;
  }

  static std::string numbers(Values values) {
    std::string all;
    for (sqlite3_value* const value : values) {
      const std::int64_t number = sqlite3_value_int64(value);
      std::array<char, sizeof number> bytes{};
      std::memcpy(bytes.data(), &number, sizeof number);
      all.append(bytes.data(), bytes.size());
    }
    return all;
  }

  /// In decimal, of big-endian bytes.
  static std::string decimal(const std::string& bytes) {
    std::string digits = "0";
    for (const char byte : bytes) {
      unsigned carry = static_cast<unsigned char>(byte);
      for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        carry += static_cast<unsigned>(*digit - '0') * 256;
        *digit = static_cast<char>('0' + carry % 10);
        carry /= 10;
      }
      while (carry > 0) {
        digits.insert(digits.begin(), static_cast<char>('0' + carry % 10));
        carry /= 10;
      }
    }
    return digits;
  }

  static std::string shard_line(Values values) {
    std::string line;
    for (sqlite3_value* const value : values) {
      const int type = sqlite3_value_type(value);
      const std::string text = type == SQLITE_NULL ? "-" : bytes_of(value);
      line += (line.empty() ? "" : " ") + (type == SQLITE_BLOB ? decimal(text) : text);
    }
    return line + "\n";
  }

  void seal_settings() {
    exec("DELETE FROM settings WHERE name = 'checksum'");
    std::string all;
    SQLite::Statement rows(*this, "SELECT name, value FROM settings ORDER BY CAST(name AS BLOB)");
    while (rows.executeStep()) {
      const std::string name = rows.getColumn(0).getString();
      const std::string value = rows.getColumn(1).getString();
      all += fmt::format("{}:{}={}:{}\n", name.size(), name, value.size(), value);
    }
    exec(fmt::format("INSERT INTO settings VALUES ('checksum', '{:016x}')", static_cast<std::uint64_t>(hash(all))));
  }

  using Rule = std::int64_t (*)(Values);

  void define(const char* name, Rule rule) {
    sqlite3_create_function(
        getHandle(), name, -1, SQLITE_UTF8, reinterpret_cast<void*>(rule),  // NOLINT(*-reinterpret-cast)
        [](sqlite3_context* context, int count, sqlite3_value** values) {
          const auto rule_of = reinterpret_cast<Rule>(sqlite3_user_data(context));  // NOLINT(*-reinterpret-cast)
          sqlite3_result_int64(context, rule_of({values, static_cast<std::size_t>(count)}));
        },
        nullptr, nullptr);
  }
};

}  // namespace shardlog::test
