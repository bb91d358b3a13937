#include "tools/stream-put/commit_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "tools/common/units.h"
#include "tools/input/why_full.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t commit_bytes = 8UL * 1024 * 1024;  // gathered for one commit if more is waiting

/// How much data may be gathered before the next piece of the queue, which has at most most_at_once(): both together
/// fit into the stream.
std::uint64_t most_gathered(const StreamSettings& settings) {
  const std::uint64_t piece = most_at_once(settings);
  return piece == unbounded ? unbounded : std::min(piece, settings.max_bytes - piece);
}

/// Everything that is ready, up to a bound, as one. Nothing at the end of the input.
std::optional<Encoded> take_ready(BoundedQueue<Encoded>& queue, std::uint64_t most_data) {
  std::optional<Encoded> ready = queue.pop();
  while (ready && ready->bytes < commit_bytes && ready->data_bytes <= most_data && !ready->error) {
    std::optional<Encoded> next = queue.try_pop();
    if (!next) break;
    ready->append(std::move(*next));
  }
  return ready;
}

}  // namespace

CommitStage::CommitStage(Stream& stream, const StreamDescription& description, const PutCommand& command,
                         const std::vector<Producer>& stored, const Context& context,
                         producing::Writer::OnNewMap on_new_map)
    : stream_(stream),
      writer_(stream, description, command.sync, std::move(on_new_map)),
      most_data_(most_gathered(description.settings)),
      command_(command),
      context_(context) {
  for (const Producer& producer : stored) positions_.emplace(producer.id.source, producer.position.sequence);
}

void CommitStage::run(BoundedQueue<Encoded>& queue, InFlight& in_flight, Progress& progress) {
  while (std::optional<Encoded> ready = take_ready(queue, most_data_)) {
    const std::uint64_t records = store(*ready, progress);
    in_flight.remove(ready->chunks);
    warn(*ready, progress);
    progress.add(records, ready->input_bytes);
    if (ready->error) throw *ready->error;
  }
}

/// Returns the number of records that were stored.
std::uint64_t CommitStage::store(Encoded& encoded, Progress& progress) {
  const producing::Written written = append(encoded, progress);
  const std::uint64_t before = records_;
  try {
    for (std::size_t i = 0; i < written.outcomes.size(); ++i) count(written.packed.batches[i], written.outcomes[i]);
    if (command_.ack) acknowledge(written, encoded.reasons);
    context_.output.flush();
  } catch (const std::bad_alloc&) {  // not an append that stored nothing
    throw Error(ErrorCode::io, "acknowledge: out of memory");
  }
  written.check();
  return records_ - before;
}

producing::Written CommitStage::append(Encoded& encoded, Progress& progress) {
  std::vector<ProducerMove> moves;
  for (const auto& [source, to] : encoded.moves) {
    const auto from = positions_.find(source);
    moves.push_back({{command_.producer.value_or(""), source},
                     from == positions_.end() ? std::nullopt : std::optional(from->second),
                     to});
  }
  const auto tell = [&](const NoRoom& no_room) {
    if (std::exchange(told_why_full_, true)) return;
    progress.clear();
    context_.warn(why_full(stream_, no_room, shown_name(command_.stream)));
  };
  producing::Written written = writer_.store(std::move(encoded.packed), moves, context_.stop, tell);
  for (const ProducerMove& move : moves) positions_.insert_or_assign(move.id.source, move.to.sequence);
  return written;
}

void CommitStage::count(const RoutedBatch& batch, const Outcome& outcome) {
  const auto note = [&](const SequenceNumber& sequence) {
    last_ = fmt::format("{} of {}", sequence.to_string(), batch.shard.to_string());
  };
  if (const auto* const stored = std::get_if<Stored>(&outcome)) {
    records_ += stored->sequences.size();
    for (std::size_t i = 0; batch.arrived_at && i < stored->sequences.size(); ++i) {
      if (stored->arrivals[i] != *batch.arrived_at) ++moved_in_time_;
    }
    note(stored->sequences.last());
  } else if (const auto* const in_part = std::get_if<StoredInPart>(&outcome)) {
    for (const auto& record : in_part->records) {
      const auto* const place = std::get_if<StoredInPart::Record>(&record);
      if (place == nullptr) continue;
      ++records_;
      note(place->sequence);
    }
  }
}

/// Prints a line for each record: its shard and sequence number, a hyphen if it is not stored, or a question mark if
/// that is not known.
void CommitStage::acknowledge(const producing::Written& written, const std::vector<std::string>& reasons) const {
  Output& output = context_.output;
  for (const producing::Place& place : written.packed.places) {
    if (place.batch == producing::Place::not_packed) {
      output.write(fmt::format("-\t{}\n", reasons[place.index]));
      continue;
    }
    const producing::RecordOutcome outcome = written.of(place);
    if (const auto* const stored = std::get_if<producing::RecordStored>(&outcome)) {
      output.write(fmt::format("{}\t{}\n", stored->shard.to_string(), stored->sequence.to_string()));
    } else {
      const auto& fault = std::get<producing::RecordNotStored>(outcome);
      output.write(fmt::format("{}\t{}\n", fault.code == ErrorCode::io ? '?' : '-', fault.reason));
    }
  }
}

void CommitStage::warn(const Encoded& encoded, Progress& progress) {
  skipped_ += encoded.skipped_records;
  if (!encoded.skipped.empty() || !encoded.notice.empty()) progress.clear();
  if (!encoded.notice.empty() && !std::exchange(noticed_, true)) context_.warn(encoded.notice);
  for (const std::string& message : encoded.skipped) context_.warn(message);
}

std::string CommitStage::summary() const {
  if (records_ == 0) return "no records committed";
  const std::string moved =
      moved_in_time_ == 0 ? "" : fmt::format(", {} of them with another arrival time", moved_in_time_);
  return fmt::format("{} record{} committed{}, the last is {}", records_, records_ == 1 ? "" : "s", moved, last_);
}

ExitStatus CommitStage::report() const {
  if (skipped_ == 0 && moved_in_time_ == 0) {
    context_.detail(summary());
    return ExitStatus::success;
  }
  context_.message((skipped_ == 0 ? "" : format_count(skipped_, "record") + " skipped; ") + summary());
  return ExitStatus::partly;
}

}  // namespace shardlog::cli
