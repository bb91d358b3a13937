#pragma once

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/forger.h"

namespace shardlog::test {

/// Moves payloads of a stream into segments, by the rules of shardlog(5) and without any code of the library.
class SegmentForger : public Forger {
 public:
  explicit SegmentForger(const std::string& stream) : Forger(stream), stream_(stream) {}

  /// Makes the stream one of before there were segments. REQUIRES: it has none
  void remove_feature() {
    exec("DROP TABLE segments; DELETE FROM settings WHERE name = 'feature:segments'");
    seal("settings");
  }

  [[nodiscard]] std::string file(std::int64_t segment) const {
    return fmt::format("{}/stream.{:08}", stream_, segment);
  }

  /// Moves the payloads of the batches `first` to `last` into a new segment, each to a boundary of 4 KiB.
  void move(std::int64_t first, std::int64_t last, std::int64_t segment, bool sealed = true) {
    constexpr std::size_t boundary = 4096;
    std::string bytes;
    for (std::int64_t batch = first; batch <= last; ++batch) {
      bytes.resize((bytes.size() + boundary - 1) / boundary * boundary);
      const std::string payload = text(fmt::format("SELECT payload FROM batches WHERE id = {}", batch));
      point(batch, segment, static_cast<std::int64_t>(bytes.size()), payload.size());
      bytes += payload;
    }
    std::ofstream(file(segment), std::ios::binary) << bytes;
    std::filesystem::permissions(file(segment), std::filesystem::perms(0600));
    exec(fmt::format("INSERT INTO segments VALUES ({}, {}, {}, {}, 0)", segment, bytes.size(), sealed ? 1 : 0, last));
    seal("segments");
  }

  /// Stores the place of a payload in place of it.
  void point(std::int64_t batch, std::int64_t segment, std::int64_t at, std::size_t size) {
    const std::array<std::int64_t, 2> of_batch{
        batch, number(fmt::format("SELECT payload_checksum FROM batches WHERE id = {}", batch))};
    const auto stored_size = static_cast<std::uint32_t>(size);
    std::string place = "SLRS";
    place.append(bytes_of(stored_size)).append(bytes_of(segment)).append(bytes_of(at));
    const std::uint64_t seed = XXH3_64bits(of_batch.data(), sizeof of_batch);
    place.append(bytes_of(XXH3_64bits_withSeed(place.data(), place.size(), seed)));
    SQLite::Statement update(*this, "UPDATE batches SET payload = ? WHERE id = ?");
    update.bind(1, static_cast<const void*>(place.data()), static_cast<int>(place.size()));
    update.bind(2, batch);
    update.exec();
  }

 private:
  template <typename Number>
  static std::string bytes_of(Number number) {
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    return {bytes.data(), bytes.size()};
  }

  std::string stream_;
};

}  // namespace shardlog::test
