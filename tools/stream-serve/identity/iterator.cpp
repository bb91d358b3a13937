#include "tools/stream-serve/identity/iterator.h"

#include "shardlog/core/numbers.h"
#include "tools/stream-serve/identity/token.h"

namespace shardlog::serve::identity {

namespace {

// The first byte says what kind of token it is, and in which version.
constexpr std::uint64_t iterator_kind = 1;
constexpr std::uint64_t shard_list_kind = 2;

enum class From : std::uint64_t { trim_horizon, at, after, at_not_before };

void write_time(TokenWriter& to, Timestamp time) {
  to.number(static_cast<std::uint64_t>(time.time_since_epoch().count()), 8);
}

Timestamp read_time(TokenReader& from) {
  return Timestamp(Duration(static_cast<std::int64_t>(from.number(8))));
}

void write_start(TokenWriter& to, const ShardStart& start) {
  const auto write = [&to](From from, const std::optional<SequenceNumber>& sequence, std::optional<Timestamp> time) {
    to.number(static_cast<std::uint64_t>(from), 1);
    to.number(sequence ? parse_number<std::uint64_t>(sequence->to_string()).value_or(UINT64_MAX) : 0, 8);
    write_time(to, time.value_or(Timestamp()));
  };
  if (const auto* const at = std::get_if<AtSequence>(&start.from)) {
    write(at->not_before ? From::at_not_before : From::at, at->sequence, at->not_before);
  } else if (const auto* const after = std::get_if<AfterSequence>(&start.from)) {
    write(From::after, after->sequence, std::nullopt);
  } else {
    write(From::trim_horizon, std::nullopt, std::nullopt);
  }
}

std::optional<ShardStart> read_start(TokenReader& from, ShardId shard) {
  const auto kind = static_cast<From>(from.number(1));
  const SequenceNumber sequence(from.number(8));
  const Timestamp time = read_time(from);
  switch (kind) {
    case From::trim_horizon:
      return ShardStart{shard, TrimHorizon{}};
    case From::at:
      return ShardStart{shard, AtSequence{sequence}};
    case From::at_not_before:
      return ShardStart{shard, AtSequence{sequence, time}};
    case From::after:
      return ShardStart{shard, AfterSequence{sequence}};
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(const ShardIterator& iterator) {
  TokenWriter token;
  token.number(iterator_kind, 8);
  write_time(token, iterator.issued_at);
  token.text(iterator.uuid);
  token.number(iterator.start.shard.number(), 4);
  write_start(token, iterator.start);
  token.text(iterator.stream);
  return token.seal(152 + (iterator.stream.size() + 2) / 16 * 16);
}

std::optional<ShardIterator> parse_iterator(std::string_view text) {
  auto token = TokenReader::open(text);
  if (!token || token->number(8) != iterator_kind) return std::nullopt;
  const Timestamp issued_at = read_time(*token);
  std::string uuid = token->text();
  const ShardId shard(static_cast<std::uint32_t>(token->number(4)));
  const auto start = read_start(*token, shard);
  if (!start) return std::nullopt;
  return ShardIterator{issued_at, token->text(), std::move(uuid), *start};
}

std::string to_string(const ShardListToken& list) {
  TokenWriter token;
  token.number(shard_list_kind, 8);
  write_time(token, list.issued_at);
  token.text(list.uuid);
  token.number(list.after.number(), 4);
  token.text(list.filter);
  write_time(token, list.filter_time);
  token.text(list.stream);
  return token.seal(0);
}

std::optional<ShardListToken> parse_shard_list_token(std::string_view text) {
  auto token = TokenReader::open(text);
  if (!token || token->number(8) != shard_list_kind) return std::nullopt;
  const Timestamp issued_at = read_time(*token);
  std::string uuid = token->text();
  const ShardId after(static_cast<std::uint32_t>(token->number(4)));
  std::string filter = token->text();
  const Timestamp time = read_time(*token);
  return ShardListToken{issued_at, token->text(), std::move(uuid), after, std::move(filter), time};
}

}  // namespace shardlog::serve::identity
