#include "tools/stream-put/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "tools/stream-put/plain_records.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t most_skipped = 4096;  // messages held at once
constexpr const char* already_stored = "already stored";

std::unique_ptr<RecordSource> make_source(const PutCommand& command, bool with_origin) {
  if (command.framing.kind == Framing::Kind::json) return make_json_source(with_origin);
  if (command.framing.kind == Framing::Kind::frames) return make_frame_source(with_origin);
  return make_plain_source(command.key, command.framing);
}

}  // namespace

PieceBounds piece_bounds(const capacity::Limits& limits) {
  const auto of = [](const std::optional<std::uint64_t>& limit, std::size_t most) {
    constexpr std::uint64_t pieces_a_second = 100;
    return limit ? std::clamp<std::size_t>(*limit / pieces_a_second, 1, most) : most;
  };
  return {of(limits.write_records, max_batch_records), of(limits.write_bytes, max_batch_bytes)};
}

/// The payload of tiny records is a few times as large as their data.
constexpr std::size_t payload_of_data = 4;

void Encoded::append(Encoded next) {
  const auto move_to_end = [](auto& to, auto& from) { std::ranges::move(from, std::back_inserter(to)); };
  const auto first_reason = static_cast<std::uint32_t>(reasons.size());
  for (producing::Place& place : next.packed.places) {
    if (place.batch == producing::Place::not_packed) place.index += first_reason;
  }
  packed.append(std::move(next.packed));
  move_to_end(reasons, next.reasons);
  move_to_end(skipped, next.skipped);
  move_to_end(reads, next.reads);
  skipped_records += next.skipped_records;
  dropped += next.dropped;
  dropped_bytes += next.dropped_bytes;
  for (auto& [source, position] : next.moves) moves.insert_or_assign(source, std::move(position));
  if (!next.notice.empty()) notice = std::move(next.notice);
  records += next.records;
  bytes += next.bytes;
  chunks += next.chunks;
  input_bytes += next.input_bytes;
  data_bytes += next.data_bytes;
  error = std::move(next.error);
}

Batcher::Batcher(const StreamDescription& stream, const PutCommand& command, std::size_t most_records,
                 std::optional<ExactlyOnce> once, const Clock& clock, const std::atomic<bool>* throttled)
    : packer_(stream.map,
              piece_bounds(stream.settings.limits).small() ? Compression::none : stream.settings.compression,
              command.ack),
      settings_(stream.settings),
      command_(command),
      clock_(clock),
      source_(make_source(command, once.has_value())),
      once_(std::move(once)),
      as_they_stand_(command.as_they_stand()),
      most_records_(std::min(most_records, max_batch_records)),
      piece_bounds_(piece_bounds(stream.settings.limits)),
      paced_(command.paced.has_value()),
      most_bytes_(std::min<std::uint64_t>(most_at_once(stream.settings), command.largest_append / payload_of_data)),
      throttled_(throttled) {
  if (command.sample_percent) sampler_.emplace(*command.sample_percent, command.sample_by);
}

void Batcher::use(const ShardMap& map) {
  if (packer_.version() != map.version()) packer_.use(map);
}

bool Batcher::encode(Chunk chunk, const HandOver& hand_over) {
  if (!open_) return false;  // chunks may still be queued after the end
  chunk_ = &chunk;
  hand_over_ = &hand_over;
  piece_ = at_ = holes_ = read_ = counted_ = counted_at_ = 0;
  input_bytes_ = 0;
  packer_.set_input_bytes(chunk.read);
  if (input_count() != nullptr && chunk.marked) input_count()->add_mark();
  source_->use_fields(chunk.input.fields);
  try {
    // With a producer id, and in acknowledgements, a hole counts as a piece and must come in its place.
    if (as_they_stand_ && (chunk.input.holes.empty() || !(once_ || command_.ack))) {
      encode_as_they_stand();
    } else {
      encode_records({chunk.input.buffer.data(), chunk.input.complete});
    }
  } catch (const Error& error) {  // the input is not the one that was stored before
    encoded_.error = error;
  }
  encoded_.chunks = 1;
  if (!encoded_.error) encoded_.error = chunk.error;
  const bool wrong = encoded_.error.has_value();
  flush();
  source_->release();
  if (as_read_.capacity() > 2 * usual_chunk_size) as_read_ = {};
  return open_ && !wrong;
}

void Batcher::finish() {
  if (input_count() != nullptr) input_count()->end();
}

void Batcher::encode_as_they_stand() {
  const std::string_view pieces(chunk_->input.buffer.data(), chunk_->input.complete);
  pass_known_pieces();
  std::span<const std::uint32_t> lengths = std::span(chunk_->input.lengths).subspan(piece_);
  while (!lengths.empty() && open_) {
    const std::size_t most_records = std::min(most_records_, piece_bounds_.records);
    const std::uint64_t most_bytes = std::min<std::uint64_t>(most_bytes_, piece_bounds_.bytes);
    const auto part = lengths.first(producing::fitting(lengths, most_records, most_bytes));
    packer_.add_lines(pieces.substr(at_), part);
    at_ += std::accumulate(part.begin(), part.end(), part.size());
    piece_ += part.size();
    encoded_.records += part.size();
    encoded_.data_bytes += std::accumulate(part.begin(), part.end(), std::uint64_t{0});
    lengths = lengths.subspan(part.size());
    if (!lengths.empty()) flush();
  }
  pass_holes();
}

/// Passes all pieces at the start of the chunk that are known already.
/// REQUIRES: no holes; each piece is a record if acknowledgements are wanted
void Batcher::pass_known_pieces() {
  if (known() == 0) return;
  const auto passed = static_cast<std::size_t>(std::min<std::uint64_t>(known(), chunk_->input.lengths.size()));
  const std::span<const std::uint32_t> lengths(chunk_->input.lengths.data(), passed);
  counted_at_ = at_ = std::accumulate(lengths.begin(), lengths.end(), passed);
  input_count()->add({chunk_->input.buffer.data(), at_}, lengths);
  for (; piece_ < passed; ++piece_) not_stored(already_stored);
  counted_ = piece_;
}

void Batcher::encode_records(std::span<char> pieces) {
  source_->expect({pieces.data(), pieces.size()});
  if (chunk_->input.holes.empty() && !command_.ack) pass_known_pieces();
  const bool frames = command_.framing.kind == Framing::Kind::frames;
  const bool has_holes = !chunk_->input.holes.empty();
  while (piece_ < chunk_->input.lengths.size()) {
    if (has_holes) pass_holes();
    const std::uint32_t length = chunk_->input.lengths[piece_];
    const bool is_known = known() > 0;
    if (is_known) {
      pass_known(pieces.subspan(at_, length));
    } else if (!encode_piece(pieces.subspan(at_, length))) {
      return;
    }
    at_ += length + (frames ? 0 : 1);
    ++piece_;
    if (is_known) {
      counted_ = piece_;
      counted_at_ = at_;
    }
    const std::size_t skipped = encoded_.skipped.size();
    if (encoded_.records + skipped >= most_records_ || skipped >= most_skipped) flush();
  }
  pass_holes();
}

/// Returns whether the encoding goes on.
bool Batcher::encode_piece(std::span<char> piece) {
  const std::size_t kept = as_read_.size();
  const Framing::Kind kind = command_.framing.kind;
  if (kind == Framing::Kind::json && input_count() != nullptr)
    as_read_.append(piece.data(), piece.size()).append(1, '\n');
  try {
    source_->read(piece, take_);
  } catch (const Error& error) {
    refuse(error, kind != Framing::Kind::frames, number_of(piece_));  // what follows a bad frame cannot be found
  }
  if (!encoded_.error && open_) return true;
  as_read_.resize(kept);
  return false;
}

/// Adds the pieces that are done to the count of the input.
void Batcher::count_pieces() {
  if (counted_ == piece_) return;
  if (CountedInput* const input = input_count()) {
    const std::string_view pieces(chunk_->input.buffer.data(), chunk_->input.complete);
    input->add(command_.framing.kind == Framing::Kind::json ? as_read_ : pieces.substr(counted_at_, at_ - counted_at_),
               std::span(chunk_->input.lengths).subspan(counted_, piece_ - counted_));
  }
  as_read_.clear();
  counted_ = piece_;
  counted_at_ = at_;
}

/// Passes a piece that is known already, with an acknowledgement for each record in it.
void Batcher::pass_known(std::span<char> piece) {
  const auto length = static_cast<std::uint32_t>(piece.size());
  input_count()->add({piece.data(), piece.size() + 1}, {&length, 1});
  if (!command_.ack) return;
  try {
    source_->read(piece, [this](const Record& record, const RecordOrigin*) {
      check(record, settings_.max_record_size);
      not_stored(already_stored);
      return true;
    });
  } catch (const Error& error) {
    not_stored(error.what());
  }
}

bool Batcher::take(const Record& record, const RecordOrigin* origin) {
  const bool is_full = encoded_.records >= most_records_;  // a frame holds many
  if (is_full || (encoded_.records > 0 && encoded_.data_bytes + record.size() > most_bytes_)) flush();
  try {
    if (once_ && once_->is_stored(origin)) {
      not_stored(already_stored);
      return true;
    }
    if (once_ && once_->sources_with(origin) > command_.sources_per_append) flush();
    check(record, settings_.max_record_size);
    if (command_.keep_times) check_retention();
  } catch (const Error& error) {
    refuse(error, true, number_of(piece_));
    if (once_ && !encoded_.error) once_->pass(origin);
    return !encoded_.error;
  }
  if (once_) once_->pass(origin);
  if (sampler_ && sample_out(record)) return true;
  if (paced_ && !fits_piece(record)) flush();
  if (command_.keep_times) packer_.set_arrival(source_->arrived_at());
  const producing::Packer::Held held = packer_.add(record);
  if (paced_) most_held_ = {std::max(most_held_.records, held.records), std::max(most_held_.bytes, held.bytes)};
  ++encoded_.records;
  encoded_.data_bytes += record.size();
  return open_;
}

bool Batcher::fits_piece(const Record& record) const {
  if (most_held_.records == 0) return true;
  return most_held_.records < piece_bounds_.records && most_held_.bytes + record.size() <= piece_bounds_.bytes;
}

/// Whether the record is left out. REQUIRES: there is a sampler
bool Batcher::sample_out(const Record& record) {
  const bool only_throttled = command_.on_throttle == OnThrottle::sample;
  if (only_throttled && !(throttled_ != nullptr && *throttled_)) return false;
  if (sampler_->keeps(record.key)) return false;
  if (only_throttled) {
    ++encoded_.dropped;
    encoded_.dropped_bytes += record.size();
  }
  not_stored("sampled out");
  return true;
}

/// A record that nobody could read any more is not stored.
void Batcher::check_retention() const {
  const std::optional<Timestamp> arrived_at = source_->arrived_at();
  const std::optional<Timestamp> expired = expiry(settings_.retention, clock_.now());
  if (!arrived_at || !expired || *arrived_at >= *expired) return;
  throw Error(ErrorCode::malformed,
              fmt::format("it arrived at {}, which is before the stream's retention", to_rfc3339(*arrived_at)));
}

/// Passes the holes before the next piece.
void Batcher::pass_holes() {
  for (; holes_ < chunk_->input.holes.size() && chunk_->input.holes[holes_].before <= piece_; ++holes_) {
    const Hole& hole = chunk_->input.holes[holes_];
    const bool is_known = known() > 0;
    count_pieces();
    if (input_count() != nullptr) input_count()->add_hole();
    if (is_known) {
      not_stored(hole.why);
    } else {
      refuse(Error(ErrorCode::malformed, hole.why), true, hole.line > 0 ? hole.line : number_of(hole.before));
    }
  }
}

/// The number of a piece in messages: see Framing::piece().
std::uint64_t Batcher::number_of(std::size_t piece) const {
  if (!chunk_->input.lines.empty()) return chunk_->input.lines[piece];
  return chunk_->first + (command_.framing.kind == Framing::Kind::frames ? at_ : piece + holes_);
}

void Batcher::refuse(const Error& error, bool may_skip, std::uint64_t number) {
  std::string message = command_.framing.piece_of(chunk_->source, number) + ": " + error.what();
  if (!command_.skip_errors || !may_skip || error.code() != ErrorCode::malformed) {
    encoded_.error = Error(error.code(), message);
    return;
  }
  if (encoded_.skipped.empty() || encoded_.skipped.back() != message) encoded_.skipped.push_back(std::move(message));
  ++encoded_.skipped_records;
  not_stored(error.what());
}

void Batcher::not_stored(std::string why) {
  if (!command_.ack) return;
  packer_.leave_out(static_cast<std::uint32_t>(encoded_.reasons.size()));
  encoded_.reasons.push_back(std::move(why));
}

/// When so many records were read, which come from the pieces since the last time. Each piece counts for as many of
/// them as the others.
ReadTimes Batcher::reads_of(std::size_t records) {
  const std::size_t first = std::exchange(read_, piece_);
  const std::size_t end = std::max(piece_, first + 1);
  ReadTimes reads;
  std::size_t told = 0;  // of the records
  std::size_t piece = 0;
  for (const ReadAt& read : chunk_->reads) {
    piece += read.pieces;
    if (piece <= first) continue;
    const std::size_t up_to = piece >= end ? records : records * (piece - first) / (end - first);
    if (up_to > told) reads.push_back({read.at, up_to - std::exchange(told, up_to)});
  }
  return reads;
}

void Batcher::flush() {
  packer_.flush();
  most_held_ = {};
  encoded_.bytes = packer_.bytes();
  encoded_.packed = packer_.take();
  const bool all = piece_ == chunk_->input.lengths.size();
  const std::uint64_t input_bytes = all ? chunk_->input_bytes : chunk_->input_bytes * at_ / chunk_->input.complete;
  encoded_.input_bytes = input_bytes - std::exchange(input_bytes_, input_bytes);
  encoded_.notice = source_->notice();
  count_pieces();
  if (once_) encoded_.moves = once_->moves();
  encoded_.reads = reads_of(encoded_.records);
  if (!(*hand_over_)(std::exchange(encoded_, {}))) open_ = false;
}

}  // namespace shardlog::cli
