#include "tools/stream-put/batcher.h"

#include <fmt/format.h>

#include <algorithm>
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

Batcher::Batcher(const StreamDescription& stream, const PutCommand& command, std::size_t most_records,
                 std::optional<ExactlyOnce> once, const Clock& clock)
    : packer_(stream.map, stream.settings.compression, command.ack),
      max_record_size_(stream.settings.max_record_size),
      retention_(stream.settings.retention),
      clock_(clock),
      framing_(command.framing),
      source_(make_source(command, once.has_value())),
      once_(std::move(once)),
      as_they_stand_(!command.framing.keyed() && !command.key.any() && !command.sample.percent),
      skip_errors_(command.skip_errors),
      with_places_(command.ack),
      keep_times_(command.keep_times),
      most_records_(std::min(most_records, max_batch_records)) {
  if (command.sample.percent) sampler_.emplace(*command.sample.percent, command.sample.by);
}

void Batcher::use(ShardMap map) {
  const std::lock_guard guard(mutex_);
  next_map_ = std::move(map);
}

void Batcher::take_over_map() {
  const std::lock_guard guard(mutex_);
  if (!next_map_) return;
  packer_.use(std::move(*next_map_));
  next_map_.reset();
}

bool Batcher::encode(Chunk chunk, const HandOver& hand_over) {
  if (!open_) return false;  // chunks may still be queued when nobody wants more
  take_over_map();
  chunk_ = &chunk;
  hand_over_ = &hand_over;
  piece_ = at_ = holes_ = counted_ = counted_at_ = 0;
  input_bytes_ = 0;
  packer_.set_input_bytes(chunk.read);
  if (once_ && chunk.marked) once_->add_mark();
  source_->use_fields(chunk.fields);
  try {
    // With a producer id, and in acknowledgements, what was left out has its place among the pieces.
    if (as_they_stand_ && (chunk.holes.empty() || !(once_ || with_places_))) {
      encode_as_they_stand();
    } else {
      encode_records({chunk.buffer.data(), chunk.size});
    }
  } catch (const Error& error) {  // the input is not the one that was stored before
    encoded_.error = InputError{error.code(), error.what()};
  }
  encoded_.chunks = 1;
  if (!encoded_.error) encoded_.error = chunk.error;
  const bool wrong = encoded_.error.has_value();
  flush();
  source_->release();
  if (as_read_.capacity() > 2 * usual_chunk_size) as_read_ = {};
  return open_ && !wrong;
}

void Batcher::finish(const HandOver& hand_over) const {
  if (!once_) return;
  try {
    once_->end();
  } catch (const Error& error) {
    Encoded nothing;
    nothing.error = InputError{error.code(), error.what()};
    hand_over(std::move(nothing), 0);
  }
}

void Batcher::encode_as_they_stand() {
  const std::string_view pieces(chunk_->buffer.data(), chunk_->size);
  pass_known_pieces();
  std::span<const std::uint32_t> lengths = std::span(chunk_->lengths).subspan(piece_);
  while (!lengths.empty() && open_) {
    const auto part = lengths.first(producing::fitting(lengths, most_records_));
    packer_.add_lines(pieces.substr(at_), part);
    at_ += std::accumulate(part.begin(), part.end(), part.size());
    piece_ += part.size();
    records_ += part.size();
    lengths = lengths.subspan(part.size());
    if (!lengths.empty()) flush();
  }
  pass_holes();
}

/// Those at the start of the chunk that were dealt with before, all at once.
/// REQUIRES: no holes; each is a record where acknowledgements are wanted
void Batcher::pass_known_pieces() {
  if (!once_ || once_->known() == 0) return;
  const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(once_->known(), chunk_->lengths.size()));
  const std::span<const std::uint32_t> lengths(chunk_->lengths.data(), known);
  at_ = std::accumulate(lengths.begin(), lengths.end(), known);
  once_->add({chunk_->buffer.data(), at_}, lengths);
  for (; piece_ < known; ++piece_) not_stored(already_stored);
  counted_ = piece_;
  counted_at_ = at_;
}

void Batcher::encode_records(std::span<char> pieces) {
  if (chunk_->holes.empty() && !with_places_) pass_known_pieces();
  const bool frames = framing_.kind == Framing::Kind::frames;
  while (piece_ < chunk_->lengths.size()) {
    pass_holes();
    const std::uint32_t length = chunk_->lengths[piece_];
    const bool known = once_ && once_->known() > 0;
    if (known) {
      pass_known(pieces.subspan(at_, length));
    } else if (!encode_piece(pieces.subspan(at_, length))) {
      return;
    }
    at_ += length + (frames ? 0 : 1);
    ++piece_;
    if (known) {
      counted_ = piece_;
      counted_at_ = at_;
    }
    if (records_ + encoded_.skipped.size() >= most_records_ || encoded_.skipped.size() >= most_skipped) flush();
  }
  pass_holes();
}

/// False where the encoding ends with it.
bool Batcher::encode_piece(std::span<char> piece) {
  const std::size_t kept = as_read_.size();
  const bool keep = framing_.kind == Framing::Kind::json && once_ && once_->counts();
  if (keep) as_read_.append(piece.data(), piece.size()).append(1, '\n');
  try {
    source_->read(piece, take_);
  } catch (const Error& error) {
    refuse(error, framing_.kind != Framing::Kind::frames,
           number_of(piece_));  // what is behind a bad frame cannot be found
  }
  if (!encoded_.error && open_) return true;
  as_read_.resize(kept);
  return false;
}

/// Tells of the pieces that are done.
void Batcher::count_pieces() {
  if (!once_ || counted_ == piece_) return;
  const std::string_view pieces(chunk_->buffer.data(), chunk_->size);
  once_->add(framing_.kind == Framing::Kind::json ? as_read_ : pieces.substr(counted_at_, at_ - counted_at_),
             std::span(chunk_->lengths).subspan(counted_, piece_ - counted_));
  as_read_.clear();
  counted_ = piece_;
  counted_at_ = at_;
}

/// A piece that was dealt with before, with an acknowledgement for each record in it.
void Batcher::pass_known(std::span<char> piece) {
  once_->add({piece.data(), piece.size()});
  if (!with_places_) return;
  try {
    source_->read(piece, [this](const Record& record, const RecordOrigin*) {
      check(record, max_record_size_);
      not_stored(already_stored);
      return true;
    });
  } catch (const Error& error) {
    not_stored(error.what());
  }
}

bool Batcher::take(const Record& record, const RecordOrigin* origin) {
  if (records_ >= most_records_) flush();  // a frame holds many
  try {
    if (once_ && once_->is_stored(origin)) {
      not_stored(already_stored);
      return true;
    }
    check(record, max_record_size_);
    if (keep_times_) check_retention();
  } catch (const Error& error) {
    refuse(error, true, number_of(piece_));
    if (once_ && !encoded_.error) once_->pass(origin);
    return !encoded_.error;
  }
  if (once_) once_->pass(origin);
  if (sampler_ && !sampler_->keeps(record.key)) {
    not_stored("sampled out");
    return true;
  }
  if (keep_times_) packer_.set_arrival(source_->arrived_at());
  packer_.add(record);
  ++records_;
  return open_;
}

/// What nobody could read is not stored.
void Batcher::check_retention() const {
  const std::optional<Timestamp> arrived_at = source_->arrived_at();
  const std::optional<Timestamp> expired = expiry(retention_, clock_.now());
  if (!arrived_at || !expired || *arrived_at >= *expired) return;
  throw Error(ErrorCode::malformed,
              fmt::format("it arrived at {}, which is before the stream's retention", to_rfc3339(*arrived_at)));
}

/// Those that the reader left out, before the piece that is next.
void Batcher::pass_holes() {
  for (; holes_ < chunk_->holes.size() && chunk_->holes[holes_].before <= piece_; ++holes_) {
    const Hole& hole = chunk_->holes[holes_];
    const bool known = once_ && once_->known() > 0;
    if (once_) {
      count_pieces();
      once_->add_hole();
    }
    if (known) {
      not_stored(hole.why);
    } else {
      refuse(Error(ErrorCode::malformed, hole.why), true, hole.line > 0 ? hole.line : number_of(hole.before));
    }
  }
}

/// For messages, as Framing::piece_of() takes it.
std::uint64_t Batcher::number_of(std::size_t piece) const {
  if (!chunk_->lines.empty()) return chunk_->lines[piece];
  return chunk_->first + (framing_.kind == Framing::Kind::frames ? at_ : piece + holes_);
}

void Batcher::refuse(const Error& error, bool may_skip, std::uint64_t number) {
  std::string message = framing_.piece_of(chunk_->source, number) + ": " + error.what();
  if (!skip_errors_ || !may_skip || error.code() != ErrorCode::malformed) {
    encoded_.error = InputError{error.code(), std::move(message)};
    return;
  }
  if (encoded_.skipped.empty() || encoded_.skipped.back() != message) encoded_.skipped.push_back(std::move(message));
  ++encoded_.skipped_records;
  not_stored(error.what());
}

void Batcher::not_stored(std::string why) {
  if (!with_places_) return;
  packer_.leave_out(static_cast<std::uint32_t>(encoded_.reasons.size()));
  encoded_.reasons.push_back(std::move(why));
}

void Batcher::flush() {
  packer_.flush();
  encoded_.bytes = packer_.bytes();
  encoded_.packed = packer_.take();
  const bool all = piece_ == chunk_->lengths.size();
  const std::uint64_t input_bytes = all ? chunk_->input_bytes : chunk_->input_bytes * at_ / chunk_->size;
  encoded_.input_bytes = input_bytes - std::exchange(input_bytes_, input_bytes);
  encoded_.notice = source_->notice();
  if (once_) {
    count_pieces();
    encoded_.moves = once_->moves();
  }
  if (!(*hand_over_)(std::exchange(encoded_, {}), std::exchange(records_, 0))) open_ = false;
}

}  // namespace shardlog::cli
