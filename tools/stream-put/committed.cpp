#include "tools/stream-put/committed.h"

#include <fmt/format.h>

namespace shardlog::cli {

std::uint64_t Committed::add(const producing::Written& written, const std::vector<std::string>& reasons) {
  const std::uint64_t before = records_;
  for (std::size_t i = 0; i < written.outcomes.size(); ++i) count(written.packed.batches[i], written.outcomes[i]);
  if (ack_) acknowledge(written, reasons);
  return records_ - before;
}

void Committed::count(const RoutedBatch& batch, const Outcome& outcome) {
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

/// A line for each record: its shard and sequence number, a hyphen where it is not stored, a question mark where that
/// is not known.
void Committed::acknowledge(const producing::Written& written, const std::vector<std::string>& reasons) {
  for (const producing::Place& place : written.packed.places) {
    if (place.batch == producing::Place::not_packed) {
      output_.write(fmt::format("-\t{}\n", reasons[place.index]));
      continue;
    }
    const producing::RecordOutcome outcome = written.of(place);
    if (const auto* const stored = std::get_if<producing::RecordStored>(&outcome)) {
      output_.write(fmt::format("{}\t{}\n", stored->shard.to_string(), stored->sequence.to_string()));
    } else {
      const auto& fault = std::get<producing::RecordNotStored>(outcome);
      output_.write(fmt::format("{}\t{}\n", fault.code == ErrorCode::io ? '?' : '-', fault.reason));
    }
  }
}

std::string Committed::summary() const {
  if (records_ == 0) return "no records committed";
  const std::string moved =
      moved_in_time_ == 0 ? "" : fmt::format(", {} of them with another arrival time", moved_in_time_);
  return fmt::format("{} record{} committed{}, the last is {}", records_, records_ == 1 ? "" : "s", moved, last_);
}

}  // namespace shardlog::cli
