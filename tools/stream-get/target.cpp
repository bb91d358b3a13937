#include "tools/stream-get/target.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/producing/packer.h"
#include "tools/common/open_stream.h"
#include "tools/input/framer.h"
#include "tools/input/record_source.h"
#include "tools/input/why_full.h"

namespace shardlog::cli {

namespace {

Framing framing_of(const OutputForm& form) {
  switch (form.kind) {
    case OutputForm::Kind::json:
      return {Framing::Kind::json};
    case OutputForm::Kind::frames:
      return {Framing::Kind::frames};
    case OutputForm::Kind::format:
      return {};
    case OutputForm::Kind::delimited:
      break;
  }
  if (form.text.empty()) throw Error(ErrorCode::usage, "--into: with an empty --delimiter no record has an end");
  return {Framing::Kind::delimited, form.text};
}

[[noreturn]] void refuse(const std::string& where, const Error& error) {
  // A frame of a newer version (unsupported) is as bad as one that is damaged.
  if (error.code() != ErrorCode::malformed && error.code() != ErrorCode::unsupported) throw error;
  throw Error(ErrorCode::malformed, fmt::format("{}: {}", where, error.what()));
}

/// Makes records of the pieces of a command's output.
class OutputRecords {
 public:
  OutputRecords(const Framing& framing, std::uint64_t max_record_size, producing::Packer& packer)
      : framing_(framing),
        max_record_size_(max_record_size),
        packer_(packer),
        source_(framing.kind == Framing::Kind::frames ? make_frame_source(false) : make_json_source(false)) {}

  void take(Input& input) {
    if (framing_.keyed()) return read(input);
    packer_.add_lines({input.buffer.data(), input.complete}, input.lengths);
    pieces_ += input.lengths.size();
  }

  /// The piece that comes next, "line 3": for messages.
  [[nodiscard]] std::string next_piece() const { return framing_.piece(frames() ? bytes_ : pieces_ + 1); }

 private:
  [[nodiscard]] bool frames() const { return framing_.kind == Framing::Kind::frames; }

  void read(Input& input) {
    std::size_t at = 0;
    for (const std::uint32_t length : input.lengths) {
      source_->read({input.buffer.data() + at, length}, [&](const Record& record, const RecordOrigin*) {
        check(record, max_record_size_);
        packer_.add(record);
        return true;
      });
      at += length + (frames() ? 0 : 1);
      ++pieces_;
      bytes_ += length;
    }
    packer_.flush();
    source_->release();
  }

  const Framing& framing_;
  std::uint64_t max_record_size_;
  producing::Packer& packer_;
  std::unique_ptr<RecordSource> source_;
  std::uint64_t pieces_ = 0;
  std::uint64_t bytes_ = 0;  // of the pieces
};

}  // namespace

Target::Target(Kind kind, const std::string& address, const OutputForm& form, Source source, const Context& context)
    : context_(context),
      address_(shown_name(address)),
      name_(fmt::format("{}{}/{}", kind == Kind::dead_letters ? "dead-letters/" : "", source.stream_uuid,
                        source.consumer_uuid)),
      framing_(kind == Kind::dead_letters ? Framing{} : framing_of(form)),
      stream_(open_stream(address, Access::write, context)) {
  const char* const option = kind == Kind::dead_letters ? "dead-letter" : "--into";
  require(stream_->capabilities().producers, option, stream_->capabilities());
  const StreamDescription description = stream_->describe();
  if (description.uuid == source.stream_uuid) {
    throw Error(ErrorCode::usage, fmt::format("{} {}: is the stream that is read", option, quote(address_)));
  }
  max_record_size_ = description.settings.max_record_size;
  compression_ = description.settings.compression;
  on_demand_.emplace(*stream_, description, context.clock);
  writer_.emplace(*stream_, description, Sync::full);
}

std::optional<SequenceNumber> Target::position(const Lease& lease) {
  const ProducerId producer = id(lease.shard, lease.generation);
  return expected_[producer.source] = stored_position(producer);
}

void Target::store(const consuming::Batch& batch, int output, const Patience& patience) {
  append(batch, pack_output(output), patience);
}

void Target::store(const consuming::Batch& batch, const Record& letter, const Patience& patience) {
  if (const auto& position = position_of(batch); position && *position >= batch.last_sequence()) return;
  check(letter, max_record_size_);
  producing::Packer packer(writer_->map(), compression_, false);
  packer.add(letter);
  packer.flush();
  append(batch, packer.take(), patience);
}

ProducerId Target::id(ShardId shard, std::uint64_t generation) const {
  return {name_, fmt::format("{}/{}", generation, shard.to_string())};
}

std::optional<SequenceNumber> Target::stored_position(const ProducerId& id) {
  for (const Producer& producer : stream_->producers().of(id.name)) {
    if (producer.id != id) continue;
    // Records of the source are passed over because of this position, so it must be durable. Once is enough: a commit
    // after the opening can be seen only when it is on disk.
    if (!std::exchange(durable_, true)) stream_->make_durable();
    return producer.position.sequence;
  }
  return std::nullopt;
}

std::optional<SequenceNumber>& Target::position_of(const consuming::Batch& batch) {
  const ProducerId producer = id(batch.shard, batch.generation);
  const auto found = expected_.find(producer.source);
  if (found != expected_.end()) return found->second;
  return expected_[producer.source] = stored_position(producer);
}

void Target::append(const consuming::Batch& batch, producing::Packed packed, const Patience& patience) {
  std::optional<SequenceNumber>& position = position_of(batch);
  if (position && *position >= batch.first_sequence()) {
    throw Error(ErrorCode::fenced,
                fmt::format("the output for {} of {} is stored already, up to {}", batch.first_sequence().to_string(),
                            batch.shard.to_string(), position->to_string()));
  }
  const ProducerMove move{id(batch.shard, batch.generation), position, {batch.last_sequence()}};
  const auto wait = [&](const NoRoom& no_room) {
    if (patience.stop.stop_requested()) {
      throw Error(ErrorCode::full, fmt::format("append: the stream holds {} bytes of at most {}: it is full",
                                               no_room.held, no_room.most));
    }
    if (!std::exchange(told_why_full_, true)) context_.warn(why_full(*stream_, no_room, address_));
    if (patience.tend) patience.tend();
  };
  on_demand_->tend();
  // A stop does not end a wait for capacity, which is over soon.
  writer_->store(std::move(packed), {&move, 1}, {}, wait).check();
  position = batch.last_sequence();
}

producing::Packed Target::pack_output(int output) {
  producing::Packer packer(writer_->map(), compression_, false);
  OutputRecords records(framing_, max_record_size_, packer);
  try {
    const auto framer = make_framer(framing_, max_record_size_, false);
    read_pieces(output, most_output, *framer, [&](Input& input) { records.take(input); });
  } catch (const Error& error) {
    refuse("the command's output, " + records.next_piece(), error);
  }
  return packer.take();
}

}  // namespace shardlog::cli
