#include "tools/stream-put/exactly_once.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/shard.h"

namespace shardlog::cli {

namespace {

enum class Kind { plain, json_mirror, frames, foreign };

/// The kind of input that a producer's source stands for.
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

ExactlyOnce::ExactlyOnce(const std::string& name, Framing::Kind framing, const std::vector<Producer>& stored)
    : undecided_(framing == Framing::Kind::json && stored.empty()) {
  std::optional<ProducerPosition> counted;
  for (const Producer& producer : stored) {
    const Kind kind = kind_of(producer.id.source);
    if (!fits(kind, framing)) {
      throw Error(ErrorCode::malformed,
                  fmt::format("producer {}: what it stored before was another kind of input", quote(name)));
    }
    if (kind == Kind::plain) {
      counted = producer.position;
    } else {
      mirrored_.insert_or_assign(producer.id.source, producer.position.sequence);
    }
  }
  if (framing != Framing::Kind::frames && mirrored_.empty()) counted_.emplace(name, counted);
}

bool ExactlyOnce::is_stored(const RecordOrigin* origin) {
  if (std::exchange(undecided_, false) && origin != nullptr) counted_.reset();
  if (counted_) return false;
  if (origin == nullptr) {
    throw Error(ErrorCode::malformed, R"(no "shard" and "sequence", which the records before it have)");
  }
  const auto last = mirrored_.find(origin->source);
  return last != mirrored_.end() && origin->sequence <= last->second;
}

std::size_t ExactlyOnce::sources_with(const RecordOrigin* origin) const {
  const bool is_new = !counted_ && origin != nullptr && !moves_.contains(origin->source);
  return moves_.size() + (is_new ? 1 : 0);
}

void ExactlyOnce::pass(const RecordOrigin* origin) {
  if (counted_ || origin == nullptr) return;
  mirrored_.insert_or_assign(origin->source, origin->sequence);
  moves_.insert_or_assign(origin->source, ProducerPosition{origin->sequence});
}

ProducerPositions ExactlyOnce::moves() {
  if (undecided_) return {};
  if (!counted_) return std::exchange(moves_, {});
  ProducerPositions moves;
  if (auto position = counted_->move()) moves.emplace("", std::move(*position));
  return moves;
}

}  // namespace shardlog::cli
