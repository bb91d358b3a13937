#include "tools/stream-serve/api/put_actions.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/kinesis/sequence_number.h"
#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shards.h"

namespace shardlog::serve::api {

namespace {

using producing::RecordNotStored;
using producing::RecordOutcome;
using producing::RecordStored;

constexpr std::size_t most_request_bytes = 10UL * 1024 * 1024;

/// A record of a request; borrows from it.
Result<Record> record_of(const wire::Value& input) {
  Record record{input.find("Data")->text, input.find("PartitionKey")->text};
  if (const wire::Value* const hash_key = input.find("ExplicitHashKey")) {
    record.explicit_hash_key = HashKey::parse(hash_key->text);
    if (!record.explicit_hash_key) {
      return Refusal{invalid_argument,
                     fmt::format("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                                 "Specified value was {}",
                                 hash_key->text)};
    }
  }
  return record;
}

Check check_sizes(const std::vector<Record>& records, const StreamSettings& settings) {
  std::size_t all = 0;
  for (const Record& record : records) {
    all += record.size();
    if (record.size() > settings.max_record_size) {
      return Refusal{invalid_argument,
                     fmt::format("A record has {} bytes, data and partition key; the stream takes at most {}.",
                                 record.size(), settings.max_record_size)};
    }
  }
  if (all <= most_request_bytes) return std::nullopt;
  return Refusal{invalid_argument, fmt::format("The records have {} bytes together; a request may have at most {}.",
                                               all, most_request_bytes)};
}

/// What a client may do about a record that is not stored: retry if it waited in vain for capacity, room or a lock.
Refusal refusal_for(const RecordNotStored& outcome) {
  switch (outcome.code) {
    case ErrorCode::busy:
    case ErrorCode::full:
      return {throughput_exceeded, outcome.reason};
    case ErrorCode::malformed:
    case ErrorCode::usage:
      return {invalid_argument, outcome.reason};
    default:
      return {internal_failure, outcome.reason, 500};
  }
}

/// The numbers of records that were just stored. Their shards may be younger than the description.
class StoredNumbers {
 public:
  StoredNumbers(ServedStream& stream, const ShardMap& map) : stream_(stream), numbering_(map) {}

  std::string of(const RecordStored& stored) {
    auto number = numbering_.of(stored.shard, stored.sequence, stored.arrived_at);
    if (!number) {
      numbering_ = Numbering(stream_.describe().map);
      number = numbering_.of(stored.shard, stored.sequence, stored.arrived_at);
    }
    if (!number) throw Error(ErrorCode::internal, stored.shard.to_string() + ": not in the shard map");
    return *std::move(number);
  }

 private:
  ServedStream& stream_;
  Numbering numbering_;
};

void write_stored(wire::Writer& to, const RecordStored& stored, StoredNumbers& numbers) {
  to.text("ShardId", stored.shard.to_string());
  to.text("SequenceNumber", numbers.of(stored));
}

Refusal over_limit(const Call& call, ShardId shard) {
  return {throughput_exceeded,
          fmt::format("Rate exceeded for shard {} in stream {} under account {}.", shard.to_string(),
                      std::get<std::string>(stream_named(call)), call.account.id)};
}

/// Stores records. Those that are over the limit of their shard fail, and the others are stored.
std::vector<RecordOutcome> put(const Call& call, ServedStream& stream, const StreamDescription& described,
                               const std::vector<Record>& records) {
  Throttle* const throttle = call.environment.throttle;
  if (throttle == nullptr) return stream.put(records, described, call.environment.stop);
  std::vector<Record> within;
  std::vector<std::optional<RecordNotStored>> over;
  over.reserve(records.size());
  for (const Record& record : records) {
    const HashKey key = record.explicit_hash_key.value_or(HashKey::of(record.key.value_or("")));
    const ShardId shard = described.map.open_shards()[described.map.open_index_of(key)];
    const bool is_within = throttle->write(described.uuid, shard, record.size());
    over.push_back(is_within ? std::nullopt
                             : std::optional(RecordNotStored{ErrorCode::busy, over_limit(call, shard).message}));
    if (is_within) within.push_back(record);
  }
  const auto stored =
      within.empty() ? std::vector<RecordOutcome>() : stream.put(within, described, call.environment.stop);
  std::vector<RecordOutcome> outcomes;
  outcomes.reserve(over.size());
  auto next = stored.begin();
  for (auto& each : over) outcomes.push_back(each ? RecordOutcome(std::move(*each)) : *next++);
  return outcomes;
}

Check put_record(Call& call) {
  auto parsed = record_of(call.input);
  if (const Refusal* const refused = refusal_of(parsed)) return *refused;
  const std::vector<Record> records{std::get<Record>(parsed)};
  const auto minimum = text_of(call.input, "SequenceNumberForOrdering");
  return with_stream(call, [&](ServedStream& stream, const StreamDescription& described) -> Check {
    // Records are numbered in the order in which they are stored, so any number that was given out is less.
    if (minimum && !kinesis::parse_sequence_number(*minimum)) {
      return Refusal{invalid_argument,
                     fmt::format("ExclusiveMinimumSequenceNumber {} used in PutRecord on stream {} under account {} is "
                                 "invalid.",
                                 *minimum, std::get<std::string>(stream_named(call)), call.account.id)};
    }
    if (auto refused = check_sizes(records, described.settings)) return refused;
    const auto outcomes = put(call, stream, described, records);
    if (const auto* const failed = std::get_if<RecordNotStored>(&outcomes.front())) return refusal_for(*failed);
    StoredNumbers numbers(stream, described.map);
    call.output.begin_structure();
    write_stored(call.output, std::get<RecordStored>(outcomes.front()), numbers);
    if (encryption_key_of(described.attributes)) write_encrypted(call.output);
    call.output.end_structure();
    return std::nullopt;
  });
}

void write_outcome(wire::Writer& to, const RecordOutcome& outcome, StoredNumbers& numbers) {
  to.begin_structure();
  if (const auto* const stored = std::get_if<RecordStored>(&outcome)) {
    write_stored(to, *stored, numbers);
  } else {
    const Refusal refused = refusal_for(std::get<RecordNotStored>(outcome));
    to.text("ErrorCode", refused.type);
    to.text("ErrorMessage", refused.message);
  }
  to.end_structure();
}

Check put_records(Call& call) {
  std::vector<Record> records;
  for (const wire::Value& entry : call.input.find("Records")->items) {
    auto record = record_of(entry);
    if (const Refusal* const refused = refusal_of(record)) return *refused;
    records.push_back(std::get<Record>(record));
  }
  return with_stream(call, [&](ServedStream& stream, const StreamDescription& described) -> Check {
    if (auto refused = check_sizes(records, described.settings)) return refused;
    const auto outcomes = put(call, stream, described, records);
    const auto failed = std::count_if(outcomes.begin(), outcomes.end(), [](const RecordOutcome& outcome) {
      return std::holds_alternative<RecordNotStored>(outcome);
    });
    StoredNumbers numbers(stream, described.map);
    call.output.begin_structure();
    call.output.number("FailedRecordCount", failed);
    call.output.key("Records");
    call.output.begin_list();
    for (const RecordOutcome& outcome : outcomes) write_outcome(call.output, outcome, numbers);
    call.output.end_list();
    if (encryption_key_of(described.attributes)) write_encrypted(call.output);
    call.output.end_structure();
    return std::nullopt;
  });
}

}  // namespace

std::vector<Action> put_actions() {
  const std::vector<Member> entry{
      {"PartitionKey", partition_key(), true}, {"ExplicitHashKey", hash_key()}, {"Data", data(), true}};
  return {
      {"PutRecord",
       {{"SequenceNumberForOrdering", sequence_number()},
        {"PartitionKey", partition_key(), true},
        {"ExplicitHashKey", hash_key()},
        {"Data", data(), true},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &put_record,
       true,
       Needs::created},
      {"PutRecords",
       {{"Records", list_of(structure(entry), 1, 500), true}, {"StreamName", name()}, {"StreamARN", stream_arn()}},
       &put_records,
       true,
       Needs::created},
  };
}

}  // namespace shardlog::serve::api
