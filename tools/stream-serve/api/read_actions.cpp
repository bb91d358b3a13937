#include "tools/stream-serve/api/read_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "shardlog/kinesis/sequence_number.h"
#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/page.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/identity/iterator.h"

namespace shardlog::serve::api {

namespace {

constexpr std::int64_t most_records = 10'000;

std::int64_t milliseconds_of(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

/// "Thu Jan 22 01:22:02 UTC 2015"
std::string java_date(Timestamp time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  std::array<char, 40> text{};
  ::gmtime_r(&seconds, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %d %H:%M:%S UTC %Y", &parts)};
}

/// The number that a client names, if it is one of this shard.
Result<SequenceNumber> number_in(const Call& call, const Shard& shard, const std::string& text,
                                 const std::string& stream) {
  const auto number = kinesis::parse_sequence_number(text);
  if (!number) {
    return Refusal{invalid_argument,
                   fmt::format("StartingSequenceNumber {} used in GetShardIterator on shard {} in stream {} under "
                               "account {} is invalid.",
                               text, shard.id.to_string(), stream, call.account.id)};
  }
  if (number->shard != shard.id.number()) {
    return Refusal{invalid_argument,
                   fmt::format("Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard "
                               "with {}",
                               ShardId(number->shard).to_string(), shard.id.to_string())};
  }
  return SequenceNumber(number->number);
}

/// Where a position of all shards leads in this one. It is found now: at the first read it would be another one.
ShardStart pinned(Stream& stream, ShardId shard, const Position& position) {
  const LocatedStart located = stream.locate(position, {shard}).at(0);
  if (!located.next) throw Error(ErrorCode::internal, shard.to_string() + ": the engine has no number for a position");
  return {shard, AtSequence{*located.next, located.not_before}};
}

Result<ShardStart> start_at_time(const Call& call, Stream& stream, ShardId shard) {
  const auto time = time_of(call.input, "Timestamp");
  if (!time) {
    return Refusal{invalid_argument,
                   "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no "
                   "timestamp parameter."};
  }
  const Timestamp now = call.environment.clock.now();
  if (*time > now) {
    return Refusal{invalid_argument,
                   fmt::format("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                               "timestampInMillis: {}, currentTimestampInMillis: {}",
                               milliseconds_of(*time), milliseconds_of(now))};
  }
  return pinned(stream, shard, AtTime{*time});
}

Result<ShardStart> start_of(const Call& call, Stream& stream, const Shard& shard, const std::string& stream_name) {
  const std::string type = text_of(call.input, "ShardIteratorType").value_or("");
  const auto sequence = text_of(call.input, "StartingSequenceNumber");
  const bool needs_sequence = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER";
  if (needs_sequence != sequence.has_value()) {
    return Refusal{invalid_argument,
                   fmt::format("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
                               "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
                               "Request specified {} and {} StartingSequenceNumber.",
                               type, sequence ? "also a" : "no")};
  }
  if (needs_sequence) {
    auto number = number_in(call, shard, *sequence, stream_name);
    if (const Refusal* const refused = refusal_of(number)) return *refused;
    const auto& at = std::get<SequenceNumber>(number);
    return type == "AT_SEQUENCE_NUMBER" ? ShardStart{shard.id, AtSequence{at}}
                                        : ShardStart{shard.id, AfterSequence{at}};
  }
  if (type == "AT_TIMESTAMP") return start_at_time(call, stream, shard.id);
  if (type == "LATEST") return pinned(stream, shard.id, Latest{});
  return ShardStart{shard.id, TrimHorizon{}};
}

Refusal no_shard(const Call& call, std::string_view shard, std::string_view stream) {
  return {resource_not_found,
          fmt::format("Shard {} in stream {} under account {} does not exist", shard, stream, call.account.id)};
}

Check get_shard_iterator(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    const std::string stream_name = std::get<std::string>(stream_named(call));
    const std::string shard_id = text_of(call.input, "ShardId").value_or("");
    const Shard* const shard = find_shard(described.map, shard_id);
    if (shard == nullptr) return no_shard(call, shard_id, stream_name);
    std::optional<Result<ShardStart>> start;
    served.read([&](Stream& stream) { start = start_of(call, stream, *shard, stream_name); });
    if (const Refusal* const refused = refusal_of(*start)) return *refused;
    call.output.begin_structure();
    call.output.text("ShardIterator", to_string(identity::ShardIterator{call.environment.clock.now(), stream_name,
                                                                        described.uuid, std::get<ShardStart>(*start)}));
    call.output.end_structure();
    return std::nullopt;
  });
}

void write_records(wire::Writer& to, const Page& page, const Numbering& numbering) {
  to.key("Records");
  to.begin_list();
  page.each([&](ShardId shard, const Record& record, const SequenceNumber& sequence, Timestamp arrived_at) {
    const std::string number = numbering.of(shard, sequence, arrived_at).value_or("");
    to.begin_structure();
    to.text("SequenceNumber", number);
    to.time("ApproximateArrivalTimestamp", arrived_at);
    to.bytes("Data", record.data);
    to.text("PartitionKey", record.key.value_or(number));  // Kinesis knows no records without one
    to.end_structure();
  });
  to.end_list();
}

Result<identity::ShardIterator> iterator_of(const Call& call) {
  const auto iterator = identity::parse_iterator(text_of(call.input, "ShardIterator").value_or(""));
  const Timestamp now = call.environment.clock.now();
  const auto age = iterator ? identity::age_of(iterator->issued_at, now) : identity::Age::impossible;
  if (age == identity::Age::impossible || !is_stream_name(iterator->stream)) {
    return Refusal{invalid_argument, "Invalid ShardIterator."};
  }
  if (age == identity::Age::expired) {
    return Refusal{expired_iterator,
                   fmt::format("Iterator expired. The iterator was created at time {} while right now it is {} which "
                               "is further in the future than the tolerated delay of 300000 milliseconds.",
                               java_date(iterator->issued_at), java_date(now))};
  }
  return *iterator;
}

/// A StreamARN, which a client may add, must be that of the iterator's stream.
Check check_arn(const Call& call, const identity::ShardIterator& iterator) {
  if (call.input.find("StreamARN") == nullptr) return std::nullopt;
  auto stream = stream_named(call);
  if (const Refusal* const refused = refusal_of(stream)) return *refused;
  if (std::get<std::string>(stream) == iterator.stream) return std::nullopt;
  return Refusal{invalid_argument, "StreamARN and ShardIterator do not match."};
}

Check get_page(Call& call, identity::ShardIterator iterator, ServedStream& served) {
  const auto limit = static_cast<std::size_t>(number_of(call.input, "Limit").value_or(most_records));
  const StreamDescription described = served.describe();
  const ShardId shard = iterator.start.shard;
  if (described.uuid != iterator.uuid || described.map.find(shard) == nullptr) {
    return no_shard(call, shard.to_string(), iterator.stream);
  }
  std::optional<Page> page;
  served.read([&](Stream& stream) { page = read_page(stream, iterator.start, limit); });
  const Timestamp now = call.environment.clock.now();
  call.output.begin_structure();
  write_records(call.output, *page, Numbering(described.map));
  const Duration behind = page->at_tail() ? Duration(0) : now - page->arrived_last().value_or(now);
  call.output.number("MillisBehindLatest",
                     std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(behind).count()));
  if (page->ended()) {
    // The description is older than the read, so the shard may have been closed in between.
    write_children(call.output, served.describe().map.children_of(shard));
  } else {
    iterator.issued_at = now;
    iterator.start.from = page->next();
    call.output.text("NextShardIterator", to_string(iterator));
  }
  call.output.end_structure();
  return std::nullopt;
}

Check get_records(Call& call) {
  auto parsed = iterator_of(call);
  if (const Refusal* const refused = refusal_of(parsed)) return *refused;
  const auto& iterator = std::get<identity::ShardIterator>(parsed);
  if (auto refused = check_arn(call, iterator)) return refused;
  Check result;
  try {
    call.environment.catalogue.use(iterator.stream, [&](ServedStream& served) {
      call.output.take();
      result = get_page(call, iterator, served);
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return no_shard(call, iterator.start.shard.to_string(), iterator.stream);
  }
  return result;
}

}  // namespace

std::vector<Action> read_actions() {
  return {
      {"GetShardIterator",
       {{"ShardId", name(), true},
        {"ShardIteratorType",
         enumeration({"AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"}), true},
        {"StartingSequenceNumber", sequence_number()},
        {"StreamName", name()},
        {"StreamARN", stream_arn()},
        {"Timestamp", timestamp()}},
       &get_shard_iterator},
      {"GetRecords",
       {{"Limit", integer(1, most_records)}, {"ShardIterator", text(1, 512), true}, {"StreamARN", stream_arn()}},
       &get_records},
  };
}

}  // namespace shardlog::serve::api
