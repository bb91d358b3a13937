#include "support/memory_engine.h"

#include <algorithm>
#include <utility>

#include "support/memory_parts.h"
#include "support/memory_reader.h"

namespace shardlog::test {

namespace {

/// For tests to which time does not matter.
class NoClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {}; }
  [[nodiscard]] Duration elapsed() const override { return SystemClock().elapsed(); }
};

const Clock& no_clock() {
  static const NoClock clock;
  return clock;
}

void check_name(const std::string& address) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  const std::string name = address.substr(address.find_last_of('/') + 1);
  if (name.empty() || name.size() > 128 || name.find_first_not_of(allowed) != std::string::npos) {
    throw Error(ErrorCode::usage, "create stream " + quote(address) + ": not a name");
  }
}

/// Whether nothing of a batch with this fate is stored.
bool is_final(const std::optional<Outcome>& fate) {
  return fate && !std::holds_alternative<StoredInPart>(*fate);
}

}  // namespace

void MemoryEngine::create(const std::string& address, const CreateOptions& options, const Clock& clock) {
  check_name(address);
  if (options.group && !traits_.capabilities.groups) throw Error(ErrorCode::usage, "this engine has no groups");
  auto store = std::make_shared<MemoryStore>(options, traits_, clock_for(clock).now());
  const std::lock_guard guard(mutex_);
  if (!stores_.emplace(address, std::move(store)).second) {
    throw Error(ErrorCode::exists, "create stream " + quote(address) + ": the name is taken");
  }
}

std::shared_ptr<MemoryStore> MemoryEngine::store(const std::string& address) {
  const std::lock_guard guard(mutex_);
  const auto found = stores_.find(address);
  if (found == stores_.end()) throw Error(ErrorCode::not_found, "stream " + quote(address) + ": no such stream");
  return found->second;
}

std::unique_ptr<Stream> MemoryEngine::open(const std::string& address, const OpenOptions& options, const Clock& clock) {
  return std::make_unique<MemoryStream>(store(address), options.access, clock_for(clock));
}

std::vector<std::string> MemoryEngine::list(const std::string& address) {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> result;
  for (const auto& [name, store] : stores_) {
    if (name.substr(0, name.find_last_of('/')) == address) result.push_back(name);
  }
  if (result.empty() && !address.empty()) throw Error(ErrorCode::not_found, "list " + quote(address) + ": not there");
  return result;
}

void MemoryEngine::remove(const std::string& address, const OpenOptions& /*options*/, const Clock& /*clock*/) {
  const auto removed = store(address);
  {
    const std::lock_guard guard(mutex_);
    stores_.erase(address);
  }
  removed->remove();
}

class MemoryStream::Parts {
 public:
  Parts(MemoryStore& store, Access access, const Clock& clock)
      : read_capacity(store, access, clock),
        resharding(store, access, clock),
        liveness(store),
        producers(store, access),
        maintenance(store, access, clock),
        metrics(store, clock) {}

  MemoryReadCapacity read_capacity;
  MemoryResharding resharding;
  MemoryLiveness liveness;
  MemoryProducers producers;
  MemoryMaintenance maintenance;
  MemoryMetrics metrics;
};

MemoryStream::MemoryStream(std::shared_ptr<MemoryStore> store, Access access, const Clock& clock)
    : store_(std::move(store)),
      access_(access),
      clock_(clock),
      leases_(*store_, access),
      parts_(std::make_unique<Parts>(*store_, access, clock)) {}

MemoryStream::MemoryStream(MemoryStore& store)
    : MemoryStream({std::shared_ptr<void>(), &store}, Access::write, no_clock()) {}

MemoryStream::~MemoryStream() = default;

StreamDescription MemoryStream::describe() {
  return store_->locked([](MemoryLog& log) { return log.describe(); });
}

std::vector<Outcome> MemoryStream::append(const AppendRequest& request) {
  check_writes(access_);
  if (!request.moves.empty() && !capabilities().producers) {
    throw Error(ErrorCode::usage, "this engine keeps no producers");
  }
  return capabilities().atomic_append ? append_all(request, false, {}, {}).outcomes : append_each(request);
}

capacity::Slice MemoryStream::reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) {
  check_writes(access_);
  return store_->locked([&](MemoryLog& log) { return log.reserve(steps, paid, moment_of(clock_)); });
}

WriteCapacity::Appended MemoryStream::append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                                             const capacity::Seconds& paid) {
  check_writes(access_);
  if (!capabilities().atomic_append) return {append_each(reserved), {.steps = next.size()}};
  return append_all(reserved, true, next, paid);
}

WriteCapacity::Appended MemoryStream::append_all(const AppendRequest& request, bool reserved,
                                                 std::span<const capacity::Step> next, const capacity::Seconds& paid) {
  const auto all = [&](const Outcome& outcome) {
    return Appended{std::vector<Outcome>(request.batches.size(), outcome), {}};
  };
  for (const RoutedBatch& batch : request.batches) {
    const auto fate = store_->on_append ? store_->on_append(batch) : std::nullopt;
    if (is_final(fate)) return all(*fate);
  }
  return store_->locked([&](MemoryLog& log) {
    const Timestamp now = clock_.now();
    log.expire(now);
    const auto is_sealed = [&](const RoutedBatch& batch) { return log.is_sealed(batch); };
    if (std::any_of(request.batches.begin(), request.batches.end(), is_sealed)) return all(Sealed{});
    std::uint64_t bytes = 0;
    for (const RoutedBatch& batch : request.batches) bytes += batch.batch.data_bytes;
    if (const auto lacking = log.make_room(bytes)) return all(*lacking);
    const auto throttled = reserved ? std::nullopt : log.charge(request.batches, moment_of(clock_));
    if (throttled) return all(*throttled);
    log.check_moves(request.moves);
    log.move(request.moves, now);
    Appended appended;
    log.begin_append();
    for (const RoutedBatch& batch : request.batches) appended.outcomes.emplace_back(log.store(batch, now));
    store_->announce();
    if (!next.empty()) appended.next = log.reserve(next, paid, moment_of(clock_));
    return appended;
  });
}

std::vector<Outcome> MemoryStream::append_each(const AppendRequest& request) {
  std::vector<Outcome> outcomes;
  for (const RoutedBatch& batch : request.batches) {
    auto fate = store_->on_append ? store_->on_append(batch) : std::nullopt;
    outcomes.push_back(store_->locked([&](MemoryLog& log) -> Outcome {
      const Timestamp now = clock_.now();
      log.expire(now);
      if (is_final(fate)) return *fate;
      if (log.is_sealed(batch)) return Sealed{};
      store_->announce();
      log.begin_append();
      if (fate) return log.store_part(batch, std::get<StoredInPart>(std::move(*fate)), now);
      return log.store(batch, now);
    }));
  }
  return outcomes;
}

void MemoryStream::make_durable() {
  check_writes(access_);
  store_->locked([](MemoryLog& /*log*/) {});
}

std::unique_ptr<Reader> MemoryStream::read(const ReadRequest& request) {
  return std::make_unique<MemoryReader>(store_, clock_, request);
}

std::vector<LocatedStart> MemoryStream::locate(const Position& position, const std::vector<ShardId>& shards) {
  return store_->locked([&](MemoryLog& log) {
    log.expire(clock_.now());
    std::vector<LocatedStart> places;
    const auto* const at = std::get_if<AtTime>(&position);
    const bool is_number =
        std::holds_alternative<AtSequence>(position) || std::holds_alternative<AfterSequence>(position);
    for (const auto& [id, cursor] : cursors_at(log, position, shards)) {
      const MemoryShard& shard = log.shard(id);
      if (is_number && cursor.next < shard.readable) {
        throw Error(ErrorCode::trimmed, "sequence number of " + id.to_string() + " is trimmed");
      }
      const bool has_number = cursor.has_come || capabilities().latest_has_number;
      places.push_back({id, has_number ? std::optional(SequenceNumber(cursor.next)) : std::nullopt,
                        !log.map().at(id).open() && cursor.next >= shard.next});
      if (at != nullptr && (places.back().at_end || !cursor.has_come)) places.back().not_before = at->time;
    }
    return places;
  });
}

std::unique_ptr<Notice> MemoryStream::notice() {
  return std::make_unique<MemoryNotice>(store_);
}

ReadCapacity& MemoryStream::read_capacity() {
  return parts_->read_capacity;
}

Resharding& MemoryStream::resharding() {
  return parts_->resharding;
}

Liveness& MemoryStream::liveness() {
  return parts_->liveness;
}

ProducerStore& MemoryStream::producers() {
  return parts_->producers;
}

Maintenance& MemoryStream::maintenance() {
  return parts_->maintenance;
}

Metrics& MemoryStream::metrics() {
  return parts_->metrics;
}

}  // namespace shardlog::test
