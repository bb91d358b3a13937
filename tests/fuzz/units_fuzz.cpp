#include <cstdlib>
#include <string>
#include <variant>

#include "fuzz/fuzz.h"
#include "shardlog/core/clock.h"
#include "shardlog/core/hash_key.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"
#include "tools/common/positions.h"
#include "tools/common/times.h"
#include "tools/common/units.h"
#include "tools/stream-stats/condition.h"
#include "tools/stream-stats/load.h"

// Any text is refused, or within its limits; and what has a printed form is read from it.
namespace shardlog::fuzz {
namespace {

constexpr Timestamp now(Duration(1'769'854'830'123'456));

void check_sizes(std::string_view text) {
  if (const auto size = cli::parse_size(text)) {
    require(*size <= 9'223'372'036'854'775'807, "a size is at most 2^63-1");
    require(cli::parse_size(std::to_string(*size)) == size, "a size is read from its number of bytes");
    require(cli::format_size(*size).size() <= 8, "a size is printed in eight characters");
  }
  if (const auto percent = cli::parse_percent(text)) require(*percent > 0 && *percent <= 100, "a share is of a whole");
  if (const auto speed = cli::parse_speed(text)) require(*speed > 0, "a speed goes forward");
}

void check_loads(std::string_view text) {
  const auto load = cli::parse_load(text);
  if (!load) return;
  require(load->records || load->bytes, "a load is of something");
  require(load->records.value_or(1) > 0 && load->records.value_or(1) <= 1e12,
          "records are above 0, and can be counted");
  require(load->bytes.value_or(1) > 0, "bytes are above 0");
  require(load->consumers.value_or(1) > 0, "somebody reads");
}

void check_conditions(std::string_view text) {
  const auto condition = cli::parse_condition(text);
  if (!condition) return;
  require(condition->text == text, "a condition is kept as it was given");
  require(!condition->figure.empty() && !condition->limit.empty(), "a condition compares a figure with something");
  require(condition->figure.find_first_of(" <>=") == std::string::npos, "a figure is a name");
}

void check_times(std::string_view text) {
  if (const auto duration = cli::parse_duration(text)) {
    require(*duration >= Duration(0), "a duration is not negative");
    require(cli::parse_duration(std::to_string(duration->count()) + "us") == duration,
            "a duration is read from its microseconds");
  }
  if (const auto time = cli::parse_time(text, now)) {
    const std::string printed = to_rfc3339(*time);
    constexpr std::size_t four_digits_of_year = 27;
    if (printed.size() == four_digits_of_year && printed.front() != '-') {
      require(cli::parse_time(printed, now) == time, "a time is read from what is printed");
    }
    const auto position = cli::parse_position(text, now);
    require(position && std::get<AtTime>(*position).time == *time, "a time is a position");
  } else if (const auto position = cli::parse_position(text, now)) {
    require(!std::holds_alternative<AtTime>(*position), "a position that is a time is a time");
  }
}

void check_numbers(std::string_view text) {
  if (const auto key = HashKey::parse(text)) require(key->to_string() == text, "a hash key has one form");
  if (const auto sequence = SequenceNumber::parse(text)) {
    require(sequence->to_string() == text, "a sequence number has one form");
  }
  if (const auto shard = ShardId::parse(text)) {
    require(ShardId::parse(shard->to_string()) == shard, "a shard is read from what is printed");
  }
}

}  // namespace
}  // namespace shardlog::fuzz

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  setenv("TZ", "Europe/Berlin", 1);
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = shardlog::fuzz::text_of(data, size);
  shardlog::fuzz::check_sizes(text);
  shardlog::fuzz::check_loads(text);
  shardlog::fuzz::check_conditions(text);
  shardlog::fuzz::check_times(text);
  shardlog::fuzz::check_numbers(text);
  return 0;
}
