#include "shardlog/core/frame.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>
#include <cstdint>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/uuid.h"

namespace shardlog {

namespace {

constexpr std::uint32_t magic = 0x52464c53;  // "SLFR"
constexpr std::uint8_t version = 1;
constexpr std::size_t uuid_size = 16;

namespace offset {
constexpr std::size_t magic = 0;
constexpr std::size_t version = 4;
constexpr std::size_t digits = 5;
constexpr std::size_t zero = 6;
constexpr std::size_t payload_size = 8;
constexpr std::size_t shard = 12;
constexpr std::size_t stream = 16;
constexpr std::size_t arrived_at = 32;
constexpr std::size_t checksum = 40;
}  // namespace offset
static_assert(offset::stream + uuid_size == offset::arrived_at);
static_assert(offset::checksum + sizeof(std::uint64_t) == frame_prefix_size);

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::malformed, "frame: " + reason);
}

std::uint64_t checksum_of(std::string_view header, std::string_view digits) {
  return XXH3_64bits_withSeed(digits.data(), digits.size(), XXH3_64bits(header.data(), offset::checksum));
}

void store_uuid(char* to, const std::string& uuid) {
  if (!is_uuid(uuid)) throw Error(ErrorCode::internal, "frame: " + quote(uuid) + " is not a UUID");
  std::string hex = uuid;
  std::erase(hex, '-');
  for (std::size_t at = 0; at < hex.size(); at += 2) {
    std::uint8_t byte = 0;
    std::from_chars(hex.data() + at, hex.data() + at + 2, byte, 16);
    to = store(to, byte);
  }
}

std::string load_uuid(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return to_uuid(hex);
}

}  // namespace

std::string frame_header(const FrameOrigin& origin, std::string_view payload) {
  const std::string& digits = origin.first_sequence.to_string();
  std::string header(frame_prefix_size, '\0');
  char* const start = header.data();
  store(start + offset::magic, magic);
  store(start + offset::version, version);
  store(start + offset::digits, static_cast<std::uint8_t>(digits.size()));
  store(start + offset::payload_size, static_cast<std::uint32_t>(payload.size()));
  store(start + offset::shard, origin.shard.number());
  store_uuid(start + offset::stream, origin.stream);
  store(start + offset::arrived_at, std::int64_t{origin.arrived_at.time_since_epoch().count()});
  store(start + offset::checksum, checksum_of(header, digits));
  return header + digits;
}

std::size_t frame_size(std::string_view prefix) {
  if (load<std::uint32_t>(prefix.data() + offset::magic) != magic) refuse("it does not begin like a frame");
  if (const auto found = load<std::uint8_t>(prefix.data() + offset::version); found != version) {
    throw Error(ErrorCode::unsupported,
                fmt::format("frame: version {}, but only {} is known: use a newer shardlog", found, version));
  }
  const std::size_t digits = load<std::uint8_t>(prefix.data() + offset::digits);
  const std::size_t size = frame_prefix_size + digits + load<std::uint32_t>(prefix.data() + offset::payload_size);
  if (digits == 0 || digits > SequenceNumber::most_digits || size > largest_frame) refuse("an impossible size");
  return size;
}

Frame decode_frame(std::string_view frame) {
  if (frame.size() < frame_prefix_size || frame.size() != frame_size(frame)) refuse("cut off");
  const std::size_t digit_count = load<std::uint8_t>(frame.data() + offset::digits);
  const std::string_view digits = frame.substr(frame_prefix_size, digit_count);
  if (load<std::uint64_t>(frame.data() + offset::checksum) != checksum_of(frame, digits)) refuse("checksum mismatch");
  if (load<std::uint16_t>(frame.data() + offset::zero) != 0) refuse("bytes 6 and 7 are not zero");
  const auto sequence = SequenceNumber::parse(digits);
  if (!sequence) refuse("its sequence number is not a number");

  const std::string_view stored = frame.substr(frame_prefix_size + digit_count);
  try {
    return {
        {load_uuid(frame.substr(offset::stream, uuid_size)), ShardId(load<std::uint32_t>(frame.data() + offset::shard)),
         *sequence, Timestamp(Duration(load<std::int64_t>(frame.data() + offset::arrived_at)))},
        RecordBatch::decode(Bytes(stored))};
  } catch (const Error& error) {
    // The damage happened on the way, not on our disk.
    throw Error(error.code() == ErrorCode::corrupt ? ErrorCode::malformed : error.code(),
                std::string("frame: ") + error.what());
  }
}

}  // namespace shardlog
