#include "tools/stream-put/exactly_once.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {

enum class Kind { plain, json_mirror, frames, foreign };

/// What kind of input a place is of.
Kind kind_of(std::string_view source) {
  const std::size_t slash = source.find('/');
  const std::string_view shard = source.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (source.empty()) return Kind::plain;
  if (!ShardId::parse(shard)) return Kind::foreign;
  constexpr std::size_t uuid_digits = 36;
  if (slash == std::string_view::npos) return Kind::json_mirror;
  return slash == uuid_digits ? Kind::frames : Kind::foreign;
}

bool fits(Kind kind, Framing::Kind framing) {
  if (framing == Framing::Kind::frames) return kind == Kind::frames;
  return kind == Kind::plain || (kind == Kind::json_mirror && framing == Framing::Kind::json);
}

}  // namespace

template <typename Work>
void ExactlyOnce::with_name(Work work) const {
  try {
    work();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("producer {}: {}", quote(name_), error.what()));
  }
}

ExactlyOnce::ExactlyOnce(const std::string& name, Framing::Kind framing, const std::vector<Producer>& stored)
    : name_(name) {
  std::optional<ProducerPosition> counted;
  for (const Producer& producer : stored) {
    const Kind kind = kind_of(producer.id.source);
    if (!fits(kind, framing)) {
      throw Error(ErrorCode::malformed,
                  fmt::format("producer {}: what it stored before was another kind of input", quote(name_)));
    }
    if (kind == Kind::plain) {
      counted = producer.position;
    } else {
      mirrored_.insert_or_assign(producer.id.source, producer.position.sequence);
    }
  }
  undecided_ = framing == Framing::Kind::json && stored.empty();
  if (framing == Framing::Kind::frames || !mirrored_.empty()) return;
  with_name([&] { counted_.emplace(counted); });
}

void ExactlyOnce::add(std::string_view lines, std::span<const std::uint32_t> lengths) {
  if (counted_) with_name([&] { counted_->add(lines, lengths); });
}

void ExactlyOnce::add(std::string_view piece) {
  if (counted_) with_name([&] { counted_->add(piece); });
}

void ExactlyOnce::add_hole() {
  if (counted_) with_name([&] { counted_->add_hole(); });
}

void ExactlyOnce::add_mark() {
  if (counted_) counted_->add_mark();
}

void ExactlyOnce::end() const {
  if (counted_) with_name([&] { counted_->end(); });
}

bool ExactlyOnce::is_stored(const RecordOrigin* origin) {
  if (std::exchange(undecided_, false) && origin != nullptr) counted_.reset();
  if (counted_) return false;
  if (origin == nullptr) {
    throw Error(ErrorCode::malformed, R"(no "shard" and "sequence", which the records before it have)");
  }
  const auto place = mirrored_.find(origin->source);
  return place != mirrored_.end() && origin->sequence <= place->second;
}

void ExactlyOnce::pass(const RecordOrigin* origin) {
  if (counted_ || origin == nullptr) return;
  mirrored_.insert_or_assign(origin->source, origin->sequence);
  moves_.insert_or_assign(origin->source, ProducerPosition{origin->sequence});
}

ProducerPlaces ExactlyOnce::moves() {
  if (undecided_) return {};
  if (!counted_) return std::exchange(moves_, {});
  ProducerPlaces moves;
  if (auto place = counted_->move()) moves.emplace("", std::move(*place));
  return moves;
}

}  // namespace shardlog::cli
