#include "tools/stream-serve/api/read_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/page.h"
#include "tools/stream-serve/api/shard_start.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/identity/iterator.h"

namespace shardlog::serve::api {

namespace {

constexpr std::int64_t most_records = 10'000;

/// "Thu Jan 22 01:22:02 UTC 2015"
std::string java_date(Timestamp time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  std::array<char, 40> text{};
  ::gmtime_r(&seconds, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %d %H:%M:%S UTC %Y", &parts)};
}

Check get_shard_iterator(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    const std::string stream_name = std::get<std::string>(stream_named(call));
    const std::string shard_id = text_of(call.input, "ShardId").value_or("");
    const Shard* const shard = find_shard(described.map, shard_id);
    if (shard == nullptr) return no_shard(call, shard_id, stream_name);
    std::optional<Result<ShardStart>> start;
    const Wanted wanted{text_of(call.input, "ShardIteratorType").value_or(""),
                        text_of(call.input, "StartingSequenceNumber"), time_of(call.input, "Timestamp")};
    served.read([&](Stream& stream) { start = start_of(call, stream, *shard, stream_name, wanted); });
    if (const Refusal* const refused = refusal_of(*start)) return *refused;
    call.output.begin_structure();
    call.output.text("ShardIterator", to_string(identity::ShardIterator{call.environment.clock.now(), stream_name,
                                                                        described.uuid, std::get<ShardStart>(*start)}));
    call.output.end_structure();
    return std::nullopt;
  });
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

/// If all of the page arrived after its iterator was issued, the client had read what was there before.
void measure(ServedStream& served, const Page& page, Duration took, Timestamp issued_at) {
  if (page.size() == 0) return;
  const StoredBatch& first = page.batches().front();
  served.measure_read(page.batches(), took, first.arrivals[first.first] >= issued_at);
}

Check get_page(Call& call, identity::ShardIterator iterator, ServedStream& served) {
  const auto limit = static_cast<std::size_t>(number_of(call.input, "Limit").value_or(most_records));
  const StreamDescription described = served.describe();
  const ShardId shard = iterator.start.shard;
  if (described.uuid != iterator.uuid || described.map.find(shard) == nullptr) {
    return no_shard(call, shard.to_string(), iterator.stream);
  }
  Throttle* const throttle = call.environment.throttle;
  if (throttle != nullptr && !throttle->read(described.uuid, shard)) {
    return Refusal{throughput_exceeded, fmt::format("Rate exceeded for shard {} in stream {} under account {}.",
                                                    shard.to_string(), iterator.stream, call.account.id)};
  }
  std::optional<Page> page;
  const PageLimits limits{limit, call.room / 8 * 5};  // in base64, and with what belongs to the records
  const Clock& clock = call.environment.clock;
  const Duration start = clock.elapsed();
  served.read([&](Stream& stream) { page = read_page(stream, iterator.start, limits); });
  measure(served, *page, clock.elapsed() - start, iterator.issued_at);
  if (throttle != nullptr) throttle->note_read(described.uuid, shard, page->bytes());
  const Timestamp now = clock.now();
  call.output.begin_structure();
  write_records(call.output, *page, Numbering(described.map), described.attributes);
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
       &get_shard_iterator,
       true,
       Needs::created},
      {"GetRecords",
       {{"Limit", integer(1, most_records)}, {"ShardIterator", text(1, 512), true}, {"StreamARN", stream_arn()}},
       &get_records,
       true,
       Needs::nothing,
       true},
  };
}

}  // namespace shardlog::serve::api
