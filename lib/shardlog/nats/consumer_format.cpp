#include <xxhash.h>

#include "shardlog/core/compression.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/uuid.h"
#include "shardlog/core/varint.h"
#include "shardlog/log/settings.h"
#include "shardlog/nats/leases.h"

namespace shardlog::nats {

namespace {

constexpr std::string_view magic = "SLKC";
constexpr unsigned char version = 1;
constexpr std::size_t checksum_at = 5;
constexpr std::size_t size_at = 13;
constexpr std::size_t body_at = 21;
constexpr std::uint64_t largest = 64UL * 1024 * 1024;  // before compression

[[noreturn]] void refuse_consumer(const std::string& reason) {
  throw Error(ErrorCode::corrupt, "consumer: " + reason);
}

std::uint64_t checksum_of(std::string_view text) {
  return XXH3_64bits_withSeed(text.data() + size_at, text.size() - size_at, version);
}

void add(std::string& to, std::string_view text) {
  append_varint(to, text.size());
  to += text;
}

void add(std::string& to, const std::optional<LeaseOwner>& owner) {
  append_varint(to, owner ? 1 : 0);
  if (!owner) return;
  add(to, owner->worker);
  add(to, owner->process);
  append_varint(to, static_cast<std::uint64_t>(owner->lease_duration.count()));
}

std::string take_text(std::string_view& from) {
  const std::uint64_t size = take_varint(from);
  if (size > from.size()) refuse_consumer("cut off");
  std::string text(from.substr(0, size));
  from.remove_prefix(size);
  return text;
}

std::int64_t take_signed(std::string_view& from) {
  return static_cast<std::int64_t>(take_varint(from));
}

std::optional<LeaseOwner> take_owner(std::string_view& from) {
  if (take_varint(from) == 0) return std::nullopt;
  LeaseOwner owner{.worker = take_text(from), .process = take_text(from)};
  owner.lease_duration = Duration(take_signed(from));
  return owner;
}

Lease take_lease(std::string_view& from) {
  Lease lease{ShardId(static_cast<std::uint32_t>(take_varint(from)))};
  lease.owner = take_owner(from);
  lease.claimant = take_owner(from);
  lease.epoch = take_varint(from);
  lease.counter = take_varint(from);
  lease.generation = take_varint(from);
  const std::string checkpoint = take_text(from);
  const auto parsed = parse_checkpoint(checkpoint);
  if (!parsed) refuse_consumer("a checkpoint is " + quote(checkpoint));
  lease.checkpoint = *parsed;
  return lease;
}

std::optional<Consumer> parse(std::string_view text) {
  if (take_varint(text) == 0) return std::nullopt;
  Consumer consumer;
  consumer.name = take_text(text);
  consumer.uuid = take_text(text);
  consumer.generation = take_varint(text);
  consumer.created_at = Timestamp(Duration(take_signed(text)));
  for (std::uint64_t left = take_varint(text); left > 0; --left) consumer.leases.push_back(take_lease(text));
  if (!text.empty()) refuse_consumer("it is longer than it says");
  check_consumer_name(consumer.name);
  if (!is_uuid(consumer.uuid)) refuse_consumer("its uuid is " + quote(consumer.uuid));
  return consumer;
}

}  // namespace

std::string encode(const std::optional<Consumer>& consumer) {
  std::string body;
  append_varint(body, consumer ? 1 : 0);
  if (consumer) {
    add(body, consumer->name);
    add(body, consumer->uuid);
    append_varint(body, consumer->generation);
    append_varint(body, static_cast<std::uint64_t>(consumer->created_at.time_since_epoch().count()));
    append_varint(body, consumer->leases.size());
    for (const Lease& lease : consumer->leases) {
      append_varint(body, lease.shard.number());
      add(body, lease.owner);
      add(body, lease.claimant);
      append_varint(body, lease.epoch);
      append_varint(body, lease.counter);
      append_varint(body, lease.generation);
      add(body, to_string(lease.checkpoint));
    }
  }
  std::string text(body_at + body.size() + body.size() / 128 + 1024, '\0');
  const auto size = compress(Compression::zstd, body, text.data() + body_at, text.size() - body_at);
  if (!size) throw Error(ErrorCode::internal, "a consumer cannot be compressed");
  text.resize(body_at + *size);
  text.replace(0, magic.size(), magic);
  text[magic.size()] = static_cast<char>(version);
  store(text.data() + size_at, std::uint64_t{body.size()});
  store(text.data() + checksum_at, checksum_of(text));
  return text;
}

std::optional<Consumer> decode_consumer(std::string_view text) {
  if (text.size() < body_at || !text.starts_with(magic)) refuse_consumer("not one");
  const auto written_by = static_cast<unsigned char>(text[magic.size()]);
  if (written_by < version) refuse_consumer("not one");
  if (written_by > version) throw Error(ErrorCode::unsupported, "consumer: written by a newer version");
  if (load<std::uint64_t>(text.data() + checksum_at) != checksum_of(text)) refuse_consumer("checksum mismatch");
  const auto size = load<std::uint64_t>(text.data() + size_at);
  if (size > largest) refuse_consumer("too large");
  try {
    return parse(decompress(Compression::zstd, text.substr(body_at), size).view());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) throw;
    refuse_consumer(error.what());
  }
}

}  // namespace shardlog::nats
