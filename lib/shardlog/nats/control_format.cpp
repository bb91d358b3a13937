#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <concepts>
#include <cstring>
#include <utility>

#include "shardlog/core/compression.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/uuid.h"
#include "shardlog/nats/control.h"

namespace shardlog::nats {

namespace {

constexpr std::string_view magic = "SLCM";
constexpr unsigned char version = 1;
constexpr std::size_t checksum_at = 5;
constexpr std::size_t size_at = 13;
constexpr std::size_t body_at = 21;
constexpr std::uint64_t largest = 64UL * 1024 * 1024;  // before compression

[[noreturn]] void refuse_control(const std::string& reason) {
  throw Error(ErrorCode::corrupt, "control message: " + reason);
}

std::uint64_t checksum_of(std::string_view text) {
  return XXH3_64bits_withSeed(text.data() + size_at, text.size() - size_at, version);
}

class Output {
 public:
  template <std::integral Number>
  void add(Number number) {
    std::array<char, sizeof number> bytes{};
    store(bytes.data(), number);
    text_.append(bytes.data(), bytes.size());
  }
  void add(Timestamp time) { add(std::int64_t{time.time_since_epoch().count()}); }
  void add(std::string_view text) {
    add(static_cast<std::uint32_t>(text.size()));
    text_ += text;
  }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(ShardId id) { add(id.number()); }
  void add(HashKey key) {
    const HashKey::Bytes bytes = key.bytes();
    for (const unsigned char byte : bytes) text_ += static_cast<char>(byte);
  }
  template <typename Value>
  void add(const std::optional<Value>& value) {
    add(value.has_value());
    if (value) add(*value);
  }
  template <typename Range, typename Each>
  void add_all(const Range& range, const Each& each) {
    add(static_cast<std::uint32_t>(range.size()));
    for (const auto& item : range) each(item);
  }
  template <typename Values>
  void add_values(const Values& values) {
    add_all(values, [this](const auto& item) {
      add(item.first);
      add(item.second);
    });
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Takes off the front what Output has added. Throws corrupt.
class Input {
 public:
  explicit Input(std::string_view text) : left_(text) {}

  template <std::integral Number>
  Number number() {
    return load<Number>(take(sizeof(Number)).data());
  }
  bool flag() {
    const auto value = number<unsigned char>();
    if (value > 1) refuse_control("neither true nor false");
    return value != 0;
  }
  Timestamp time() { return Timestamp(Duration(number<std::int64_t>())); }
  std::string text() { return std::string(take(number<std::uint32_t>())); }
  ShardId shard() { return ShardId(number<std::uint32_t>()); }
  HashKey key() {
    HashKey::Bytes bytes{};
    std::memcpy(bytes.data(), take(bytes.size()).data(), bytes.size());
    return HashKey::from_bytes(bytes);
  }
  template <typename Take>
  auto optional(const Take& take_one) -> std::optional<decltype(take_one())> {
    if (!flag()) return std::nullopt;
    return take_one();
  }
  template <typename Each>
  void all(const Each& each) {
    for (auto left = number<std::uint32_t>(); left > 0; --left) each();
  }
  template <typename Enumerator>
  Enumerator choice(Enumerator last) {
    const auto value = number<unsigned char>();
    if (value > static_cast<unsigned char>(last)) refuse_control("an unknown choice");
    return static_cast<Enumerator>(value);
  }
  [[nodiscard]] bool empty() const { return left_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > left_.size()) refuse_control("it is cut off");
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
};

void add(Output& out, const StreamSettings& settings) {
  out.add(settings.max_record_size);
  out.add(std::int64_t{settings.retention.count()});
  out.add(settings.until_consumed);
  out.add(settings.max_bytes);
  out.add(static_cast<unsigned char>(settings.when_full));
  out.add(static_cast<unsigned char>(settings.compression));
  out.add(static_cast<unsigned char>(settings.mode));
  out.add(settings.limits.write_records);
  out.add(settings.limits.write_bytes);
  out.add(settings.limits.read_bytes);
  out.add(settings.limits.read_calls);
  out.add_values(settings.tags);
}

StreamSettings take_settings(Input& in) {
  StreamSettings settings;
  const auto limit = [&] { return in.optional([&] { return in.number<std::uint64_t>(); }); };
  settings.max_record_size = in.number<std::uint64_t>();
  settings.retention = Duration(in.number<std::int64_t>());
  settings.until_consumed = in.flag();
  settings.max_bytes = in.number<std::uint64_t>();
  settings.when_full = in.choice(WhenFull::reject);
  settings.compression = in.choice(Compression::zstd);
  settings.mode = in.choice(Mode::on_demand);
  settings.limits.write_records = limit();
  settings.limits.write_bytes = limit();
  settings.limits.read_bytes = limit();
  settings.limits.read_calls = limit();
  in.all([&] {
    std::string key = in.text();
    settings.tags.emplace(std::move(key), in.text());
  });
  return settings;
}

void add(Output& out, const HashRange& range) {
  out.add(range.first);
  out.add(range.last);
}

HashRange take_range(Input& in) {
  const HashKey first = in.key();
  return {first, in.key()};
}

std::optional<ShardId> take_optional_shard(Input& in) {
  return in.optional([&] { return in.shard(); });
}

void add(Output& out, const Control& control, const Shard& shard) {
  add(out, shard.range);
  out.add(shard.opened_at);
  out.add(shard.closed_at);
  out.add(shard.parent);
  out.add(shard.adjacent_parent);
  if (shard.closed_at) out.add(control.ends.at(shard.id));
}

/// Ids are not stored: they count up from 0.
void take_shard(Input& in, Control& control) {
  const ShardId id(static_cast<std::uint32_t>(control.shards.size()));
  Shard shard{id, take_range(in), in.time()};
  shard.closed_at = in.optional([&] { return in.time(); });
  shard.parent = take_optional_shard(in);
  shard.adjacent_parent = take_optional_shard(in);
  if (shard.closed_at) control.ends.emplace(id, in.number<std::uint64_t>());
  control.shards.push_back(shard);
}

void add(Output& out, const Intent& intent) {
  out.add(intent.epoch);
  out.add_all(intent.steps, [&](const ReshardStep& step) {
    out.add_all(step.closes, [&](ShardId id) { out.add(id); });
    out.add_all(step.opens, [&](const ReshardStep::Child& child) {
      out.add(child.id);
      add(out, child.range);
      out.add(child.parent);
      out.add(child.adjacent_parent);
    });
  });
  out.add_values(intent.attributes);
}

ReshardStep take_step(Input& in) {
  ReshardStep step;
  in.all([&] { step.closes.push_back(in.shard()); });
  in.all([&] {
    const ShardId id = in.shard();
    const HashRange range = take_range(in);
    const ShardId parent = in.shard();
    step.opens.push_back({id, range, parent, take_optional_shard(in)});
  });
  return step;
}

Intent take_intent(Input& in) {
  Intent intent;
  intent.epoch = in.number<std::uint64_t>();
  in.all([&] { intent.steps.push_back(take_step(in)); });
  in.all([&] {
    std::string key = in.text();
    intent.attributes.emplace(std::move(key), in.optional([&] { return in.text(); }));
  });
  return intent;
}

void add(Output& out, const Trimmed& trimmed) {
  out.add(trimmed.sequence);
  out.add(trimmed.newest);
  out.add_all(trimmed.shards, [&](const auto& item) {
    const auto& [id, of] = item;
    out.add(id);
    for (const std::uint64_t number : {of.sequence, of.last, of.records, of.bytes, of.messages}) out.add(number);
  });
  out.add_all(trimmed.counted, [&](const auto& item) {
    out.add(item.first);
    out.add(item.second.encode());
  });
  out.add(trimmed.moved);
}

Trimmed take_trimmed(Input& in) {
  Trimmed trimmed;
  trimmed.sequence = in.number<std::uint64_t>();
  trimmed.newest = in.time();
  in.all([&] {
    Trimmed::OfShard& of = trimmed.shards[in.shard()];
    for (std::uint64_t* const number : {&of.sequence, &of.last, &of.records, &of.bytes, &of.messages}) {
      *number = in.number<std::uint64_t>();
    }
  });
  in.all([&] {
    const Timestamp minute = in.time();
    trimmed.counted.emplace(minute, metrics::Measures::decode(in.text()));
  });
  trimmed.moved = in.number<std::uint64_t>();
  return trimmed;
}

/// What the checksum covers is still held to the rules that the code relies on.
void check_consistency(const Control& control) {
  if (!is_uuid(control.uuid)) refuse_control(quote(control.uuid) + " is not a UUID");
  if (control.shards.empty()) refuse_control("it has no shards");
  check_lineage(control.map());
  if (!control.intent) return;
  if (control.intent->steps.empty()) refuse_control("a reshard without steps");
  if (control.intent->epoch <= control.epoch) refuse_control("a reshard into an epoch that has begun");
}

std::string pack(const std::string& plain) {
  constexpr std::size_t slack = 1024;  // for what zstd cannot make smaller
  std::string text(body_at + plain.size() + slack, '\0');
  char* const to = text.data();
  const auto size = compress(Compression::zstd, plain, to + body_at, text.size() - body_at);
  if (!size || plain.size() > largest) throw Error(ErrorCode::internal, "the control message is too large");
  text.resize(body_at + *size);
  std::memcpy(to, magic.data(), magic.size());
  to[magic.size()] = static_cast<char>(version);
  store(to + size_at, std::uint64_t{plain.size()});
  store(to + checksum_at, checksum_of(text));
  return text;
}

Bytes unpack(std::string_view text) {
  if (text.size() < body_at || !text.starts_with(magic)) refuse_control("it is something else");
  const auto written = static_cast<unsigned char>(text[magic.size()]);
  if (written < version) refuse_control("an unknown version");
  if (written > version) {
    throw Error(ErrorCode::unsupported, "the stream was made or changed by a newer version of this program");
  }
  if (load<std::uint64_t>(text.data() + checksum_at) != checksum_of(text)) refuse_control("checksum mismatch");
  const auto size = load<std::uint64_t>(text.data() + size_at);
  if (size > largest) refuse_control("an impossible size");
  return decompress(Compression::zstd, text.substr(body_at), size);
}

}  // namespace

std::string encode(const Control& control) {
  Output out;
  out.add(control.uuid);
  out.add(control.removed);
  out.add(control.created_at);
  add(out, control.settings);
  out.add_values(control.attributes);
  out.add(control.epoch);
  out.add(control.version);
  out.add_all(control.shards, [&](const Shard& shard) { add(out, control, shard); });
  out.add(control.intent.has_value());
  if (control.intent) add(out, *control.intent);
  add(out, control.trimmed);
  return pack(out.text());
}

Control decode_control(std::string_view text) {
  const Bytes plain = unpack(text);
  Input in(plain.view());
  Control control;
  control.uuid = in.text();
  control.removed = in.flag();
  control.created_at = in.time();
  control.settings = take_settings(in);
  in.all([&] {
    std::string key = in.text();
    control.attributes.emplace(std::move(key), in.text());
  });
  control.epoch = in.number<std::uint64_t>();
  control.version = in.number<std::uint64_t>();
  in.all([&] { take_shard(in, control); });
  control.intent = in.optional([&] { return take_intent(in); });
  control.trimmed = take_trimmed(in);
  if (!in.empty()) refuse_control("something comes after the end");
  if (!control.removed) check_consistency(control);
  return control;
}

}  // namespace shardlog::nats
