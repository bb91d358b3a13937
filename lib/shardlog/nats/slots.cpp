#include "shardlog/nats/slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "shardlog/core/error.h"
#include "shardlog/core/varint.h"
#include "shardlog/nats/names.h"

namespace shardlog::nats {

namespace {

constexpr char format_version = 1;
constexpr std::size_t checksum_digits = 16;

void append_text(std::string& to, std::string_view text) {
  append_varint(to, text.size());
  to += text;
}

std::string_view take_text(std::string_view& from) {
  const std::uint64_t size = take_varint(from);
  if (size > from.size()) throw Error(ErrorCode::corrupt, "cut off");
  const std::string_view text = from.substr(0, size);
  from.remove_prefix(size);
  return text;
}

/// Adds a checksum at the end.
std::string sealed(std::string text) {
  text += hash_of(text);
  return text;
}

/// What was given to sealed(), without its format version.
std::string_view opened(std::string_view text) {
  if (text.size() <= checksum_digits) throw Error(ErrorCode::corrupt, "cut off");
  const std::string_view covered = text.substr(0, text.size() - checksum_digits);
  if (hash_of(covered) != text.substr(covered.size())) throw Error(ErrorCode::corrupt, "checksum mismatch");
  if (covered.front() != format_version) {
    throw Error(ErrorCode::unsupported, fmt::format("slot of a producer: version {}", int{covered.front()}));
  }
  return covered.substr(1);
}

/// `read`s the text, and says of what is wrong with it where that is.
template <typename Read>
auto decoded(const char* what, std::string_view text, Read&& read) {
  try {
    std::string_view from = opened(text);
    auto result = read(from);
    if (!from.empty()) throw Error(ErrorCode::corrupt, "bytes at the end");
    return result;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    throw Error(ErrorCode::corrupt, std::string(what) + ": " + error.what());
  }
}

SequenceNumber take_sequence(std::string_view& from) {
  auto sequence = SequenceNumber::parse(take_text(from));
  if (!sequence) throw Error(ErrorCode::corrupt, "not a sequence number");
  return std::move(*sequence);
}

std::optional<ProducerPosition> take_position(std::string_view& from) {
  if (take_varint(from) == 0) return std::nullopt;
  SequenceNumber sequence = take_sequence(from);
  return ProducerPosition{std::move(sequence), std::string(take_text(from))};
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:";
  std::string result;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// The index of the child that a record goes to. One that never belonged to their parent goes to the first, too.
std::size_t child_of(const Record& record, std::span<const Shard> children) {
  if (!record.key && !record.explicit_hash_key) return 0;
  const HashKey at = record.explicit_hash_key ? *record.explicit_hash_key : HashKey::of(*record.key);
  const auto found = std::ranges::find_if(children, [at](const Shard& child) { return child.range.contains(at); });
  return found == children.end() ? 0 : static_cast<std::size_t>(std::distance(children.begin(), found));
}

}  // namespace

std::string encode(const Slot& slot) {
  std::string text(1, format_version);
  append_text(text, slot.id.name);
  append_text(text, slot.id.source);
  append_varint(text, slot.number);
  append_text(text, slot.token);
  append_varint(text, slot.to ? 1 : 0);
  if (slot.to) {
    append_text(text, slot.to->sequence.to_string());
    append_text(text, slot.to->proof);
  }
  append_varint(text, slot.body.value_or(0));
  append_varint(text, slot.floor);
  append_varint(text, slot.version);
  return sealed(std::move(text));
}

Slot decode_slot(std::string_view text) {
  return decoded("slot of a producer", text, [](std::string_view& from) {
    Slot slot;
    slot.id.name = take_text(from);
    slot.id.source = take_text(from);
    slot.number = take_varint(from);
    slot.token = take_text(from);
    slot.to = take_position(from);
    const std::uint64_t body = take_varint(from);
    if (body > 0) slot.body = body;
    slot.floor = take_varint(from);
    slot.version = take_varint(from);
    return slot;
  });
}

std::string encode_body(std::span<const RoutedBatch> parts) {
  std::size_t size = body_overhead(parts.size());
  for (const RoutedBatch& part : parts) size += part.batch.payload.size();
  std::string text;
  text.reserve(size);
  text += format_version;
  append_varint(text, parts.size());
  for (const RoutedBatch& part : parts) {
    append_varint(text, part.shard.number());
    append_varint(text, part.batch.record_count);
    append_varint(text, part.batch.data_bytes);
    append_text(text, part.batch.payload.view());
  }
  return sealed(std::move(text));
}

std::vector<RoutedBatch> decode_body(std::string_view text) {
  return decoded("body of a producer's slot", text, [](std::string_view& from) {
    std::vector<RoutedBatch> parts;
    for (std::uint64_t left = take_varint(from); left > 0; --left) {
      const std::uint64_t shard = take_varint(from);
      const std::uint64_t records = take_varint(from);
      const std::uint64_t bytes = take_varint(from);
      if (shard > UINT32_MAX || records > max_batch_records) throw Error(ErrorCode::corrupt, "out of bounds");
      EncodedBatch batch{bytes_of(take_text(from)), static_cast<std::uint32_t>(records), bytes};
      parts.push_back({ShardId(static_cast<std::uint32_t>(shard)), std::move(batch)});
    }
    return parts;
  });
}

std::string producer_token(const ProducerId& id) {
  return hash_of(fmt::format("{}\n{}{}", id.name.size(), id.name, id.source));
}

std::string part_id(const ProducerId& id, std::uint64_t slot, std::string_view path) {
  return fmt::format("P/{}/{}/{}", producer_token(id), slot, path);
}

std::string producer_facts(const Slot& slot, std::string_view path) {
  return fmt::format("{} {} {} {} {}", percent_encoded(slot.id.name), percent_encoded(slot.id.source), slot.number,
                     path, slot.to ? slot.to->sequence.to_string() : "");
}

EncodedBatch copy_of(const EncodedBatch& batch) {
  return {bytes_of(batch.payload.view()), batch.record_count, batch.data_bytes};
}

std::vector<Split> split(const EncodedBatch& batch, std::span<const Shard> children) {
  const RecordBatch decoded = RecordBatch::decode(bytes_of(batch.payload.view()));
  std::vector<std::vector<Record>> records(children.size());
  std::vector<std::vector<std::uint32_t>> indexes(children.size());
  std::uint32_t index = 0;
  for (const Record& record : decoded) {
    const std::size_t child = child_of(record, children);
    records[child].push_back(record);
    indexes[child].push_back(index++);
  }
  std::vector<Split> result;
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (records[i].empty()) continue;
    const bool is_whole = records[i].size() == batch.record_count;
    EncodedBatch piece = is_whole ? copy_of(batch) : encode(records[i], decoded.compression());
    result.push_back({children[i].id, std::move(piece), std::move(indexes[i])});
  }
  return result;
}

}  // namespace shardlog::nats
