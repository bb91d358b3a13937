#include "shardlog/nats/appender.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/uuid.h"
#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/notice.h"

namespace shardlog::nats {

namespace {

constexpr Duration longest_wait = std::chrono::seconds(60);

std::uint64_t data_bytes_of(std::span<const RoutedBatch> batches) {
  std::uint64_t bytes = 0;
  for (const RoutedBatch& batch : batches) bytes += batch.batch.data_bytes;
  return bytes;
}

Patience limited(const Session& session) {
  return session.patience(std::min(session.patience().left(), longest_wait));
}

bool is_stored(const Outcome& outcome) {
  return std::holds_alternative<Stored>(outcome);
}

/// What the fate of a message means for its batch.
struct ToOutcome {
  const std::string& what;
  std::uint32_t count;

  Outcome operator()(const StoredAt& stored) const {
    return Stored{sequences_of(stored.sequence, count), Arrivals(stored.at)};
  }
  Outcome operator()(const Sealed& sealed) const { return sealed; }
  Outcome operator()(const Unknown& unknown) const { return unknown; }
  Outcome operator()(const Refusal& refusal) const {
    const Error error = error_of(what, refusal);
    return Refused{error.code(), error.what()};
  }
  Outcome operator()(const NotStored& not_stored) const {
    return Refused{ErrorCode::busy, what + ": " + not_stored.reason};
  }
};

/// Throws what is true of all of them: that they are not stored for want of servers, or of room.
void check_all(std::span<const Outcome> outcomes) {
  const auto* const first = outcomes.empty() ? nullptr : std::get_if<Refused>(&outcomes.front());
  if (first == nullptr || first->code == ErrorCode::malformed) return;
  const auto is_alike = [first](const Outcome& outcome) {
    const auto* const refused = std::get_if<Refused>(&outcome);
    return refused != nullptr && refused->code == first->code;
  };
  if (std::ranges::all_of(outcomes, is_alike)) throw Error(first->code, first->reason);
}

}  // namespace

Appender::Appender(Session& session)
    : session_(session), trimmer_(session), publisher_(session), exactly_once_(session, publisher_) {}

std::vector<Outcome> Appender::append(const AppendRequest& request) {
  session_.require_writable();
  if (request.batches.empty() && request.moves.empty()) return {};
  const Patience patience = limited(session_);
  trimmer_.maybe_trim();
  if (const auto lacking = lacking_room(request.batches)) return std::vector<Outcome>(request.batches.size(), *lacking);
  auto outcomes = request.moves.empty() ? store(request.batches, patience) : exactly_once_.append(request, patience);
  if (std::ranges::any_of(outcomes, is_stored)) tell_data(session_);
  return outcomes;
}

std::optional<Outcome> Appender::lacking_room(std::span<const RoutedBatch> batches) {
  if (batches.empty() || session_.control().settings.max_bytes == unbounded) return std::nullopt;
  try {
    return trimmer_.make_room(data_bytes_of(batches));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    throw Error(ErrorCode::busy, error.what());  // nothing was sent
  }
}

/// Without those that are too large for a message.
std::vector<Outcome> Appender::store(std::span<const RoutedBatch> batches, const Patience& patience) {
  const std::uint64_t most = largest_append(session_.js().connection().max_payload());
  std::vector<Outcome> outcomes(batches.size(), Sealed{});
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const std::size_t size = batches[i].batch.payload.size();
    if (size <= most) continue;
    outcomes[i] = Refused{
        ErrorCode::malformed,
        fmt::format("append: a batch of {} bytes: the servers of NATS take at most {} (max_payload)", size, most)};
  }
  outcomes = publish(batches, std::move(outcomes), patience);
  check_all(outcomes);
  return outcomes;
}

/// Publishes the batches whose outcomes are Sealed so far.
std::vector<Outcome> Appender::publish(std::span<const RoutedBatch> batches, std::vector<Outcome> outcomes,
                                       const Patience& patience) {
  const Control& control = session_.control();
  std::vector<std::size_t> indexes;
  std::vector<Outgoing> messages;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (!std::holds_alternative<Sealed>(outcomes[i])) continue;
    const auto& [shard, batch, arrived_at] = batches[i];
    indexes.push_back(i);
    messages.push_back({shard,
                        make_uuid(),
                        {{batch_header, batch_facts(session_.uuid(), shard, batch, control.version)}},
                        batch.payload.view()});
  }
  if (messages.empty()) return outcomes;
  const std::string what = session_.what("append");
  const auto fates = publisher_.publish(messages, patience);
  for (std::size_t i = 0; i < fates.size(); ++i) {
    outcomes[indexes[i]] = std::visit(ToOutcome{what, batches[indexes[i]].batch.record_count}, fates[i]);
  }
  return outcomes;
}

}  // namespace shardlog::nats
