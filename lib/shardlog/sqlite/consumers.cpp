#include "shardlog/sqlite/consumers.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr const char* all_consumers = "SELECT * FROM consumers ORDER BY name";
constexpr std::size_t longest_owner = 256;  // bytes, for the worker's name and for its process each

void add(RowChecksum& checksum, const std::optional<LeaseOwner>& owner) {
  if (owner) {
    checksum.add(owner->worker).add(owner->process).add(std::int64_t{owner->lease_duration.count()});
  } else {
    checksum.add_null().add_null().add_null();
  }
}

std::int64_t checksum_of(const std::string& uuid, const Lease& lease) {
  RowChecksum checksum;
  checksum.add(uuid).add(std::int64_t{lease.shard.number()});
  add(checksum, lease.owner);
  add(checksum, lease.claimant);
  for (const std::uint64_t number : {lease.epoch, lease.counter, lease.generation}) {
    checksum.add(static_cast<std::int64_t>(number));
  }
  return checksum.add(to_string(lease.checkpoint)).value();
}

std::uint64_t unsigned_of(const SQLite::Column& column) {
  return static_cast<std::uint64_t>(column.getInt64());
}

std::optional<LeaseOwner> read_owner(SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return LeaseOwner{row.getColumn(column).getString(), row.getColumn(column + 1).getString(),
                    Duration(row.getColumn(column + 2).getInt64())};
}

/// The row that the statement stands on. Its columns, like those of a consumer, are in the order of the schema; a newer
/// program may have added others after them.
Lease read_lease(SQLite::Statement& row) {
  const std::string uuid = row.getColumn(0).getString();
  const std::int64_t shard = row.getColumn(1).getInt64();
  const auto checkpoint = parse_checkpoint(row.getColumn(11).getString());
  if (checkpoint && std::in_range<std::uint32_t>(shard)) {
    Lease lease{ShardId(static_cast<std::uint32_t>(shard)),
                read_owner(row, 2),
                read_owner(row, 5),
                unsigned_of(row.getColumn(8)),
                unsigned_of(row.getColumn(9)),
                unsigned_of(row.getColumn(10)),
                *checkpoint};
    if (row.getColumn(12).getInt64() == checksum_of(uuid, lease)) return lease;
  }
  throw_corrupt(fmt::format("lease of shard {} of the consumer with UUID {}: checksum mismatch", shard, quote(uuid)));
}

void check_owner(const std::optional<LeaseOwner>& owner) {
  if (!owner) return;
  if (owner->worker.empty() || owner->worker.size() > longest_owner || owner->process.size() > longest_owner) {
    throw Error(ErrorCode::usage,
                fmt::format("worker {}: a worker's name has 1 to {} bytes", quote(owner->worker), longest_owner));
  }
}

/// A column that describes an owner: NULL if there is no owner.
template <typename Value>
std::optional<Value> column_of(const std::optional<LeaseOwner>& owner, Value LeaseOwner::*member) {
  return owner ? std::optional((*owner).*member) : std::nullopt;
}

std::string wrong_count(const std::string& consumer, std::int64_t found, std::int64_t expected) {
  return fmt::format("consumer {}: {} leases where {} were expected", quote(consumer), found, expected);
}

[[noreturn]] void contradict(const std::string& what) {
  throw Error(ErrorCode::internal, what);
}

}  // namespace

bool only_progress(std::span<const LeaseChange> changes) {
  return std::all_of(changes.begin(), changes.end(), [](const LeaseChange& change) {
    return change.expected && change.desired && change.expected->owner == change.desired->owner &&
           change.expected->claimant == change.desired->claimant;
  });
}

void check_replacement(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  if (!desired) return;
  check_consumer_name(desired->name);
  if (!is_uuid(desired->uuid)) contradict("a consumer without a UUID");
  if (expected && expected->name != desired->name) contradict("a consumer cannot change its name");
  const auto out_of_order = [](const Lease& a, const Lease& b) { return a.shard >= b.shard; };
  const auto& leases = desired->leases;
  if (std::adjacent_find(leases.begin(), leases.end(), out_of_order) != leases.end()) {
    contradict("leases are not in the order of their shards");
  }
  for (const Lease& lease : leases) {
    check_owner(lease.owner);
    check_owner(lease.claimant);
  }
}

void check_changes(std::span<const LeaseChange> changes) {
  std::set<ShardId> shards;
  for (const auto& [expected, desired] : changes) {
    if (!expected && !desired) contradict("a change of a lease from nothing to nothing");
    if (expected && desired && expected->shard != desired->shard) contradict("a lease cannot change its shard");
    if (!shards.insert(expected ? expected->shard : desired->shard).second) contradict("a lease is changed twice");
    if (!desired) continue;
    check_owner(desired->owner);
    check_owner(desired->claimant);
  }
}

std::int64_t Consumers::checksum_of(const Head& head) {
  const Consumer& consumer = head.consumer;
  return RowChecksum()
      .add(consumer.uuid)
      .add(consumer.name)
      .add(static_cast<std::int64_t>(consumer.generation))
      .add(microseconds(consumer.created_at))
      .add(head.leases)
      .value();
}

/// The row that the statement stands on.
Consumers::Head Consumers::read_head(SQLite::Statement& row) {
  Head head;
  Consumer& consumer = head.consumer;
  consumer.uuid = row.getColumn(0).getString();
  consumer.name = row.getColumn(1).getString();
  consumer.generation = unsigned_of(row.getColumn(2));
  consumer.created_at = Timestamp(Duration(row.getColumn(3).getInt64()));
  head.leases = row.getColumn(4).getInt64();
  try {
    if (row.getColumn(5).getInt64() != checksum_of(head)) throw_corrupt("checksum mismatch");
    check_consumer_name(consumer.name);
    if (!is_uuid(consumer.uuid)) throw_corrupt("its uuid is " + quote(consumer.uuid));
    if (consumer.generation == 0) throw_corrupt("its generation is 0");
    stored_time("created_at", microseconds(consumer.created_at));
  } catch (const Error& error) {
    throw_corrupt("consumer " + quote(consumer.name) + ": " + error.what());
  }
  return head;
}

std::vector<Consumers::Head> Consumers::heads() {
  std::vector<Head> heads;
  Use rows = statements_.use(all_consumers);
  while (rows->executeStep()) {
    heads.push_back(read_head(*rows));
    const bool twice = heads.size() > 1 && heads[heads.size() - 2].consumer.name == heads.back().consumer.name;
    if (twice) throw_corrupt("consumer " + quote(heads.back().consumer.name) + " is stored twice");
  }
  return heads;
}

/// If no consumer has this UUID, all consumers are checked: one of them may be the right one with a damaged UUID.
std::optional<Consumers::Head> Consumers::head(const std::string& uuid) {
  if (Use row = statements_.use("SELECT * FROM consumers WHERE uuid = ?", uuid); row->executeStep()) {
    return read_head(*row);
  }
  heads();
  return std::nullopt;
}

Consumer Consumers::whole(Head head) {
  Consumer consumer = std::move(head.consumer);
  Use rows = statements_.use("SELECT * FROM leases WHERE consumer = ? ORDER BY shard", consumer.uuid);
  while (rows->executeStep()) consumer.leases.push_back(read_lease(*rows));
  const std::int64_t found = std::ssize(consumer.leases);
  if (found != head.leases) throw_corrupt(wrong_count(consumer.name, found, head.leases));
  return consumer;
}

std::optional<Consumer> Consumers::find(const std::string& name) {
  auto all = heads();
  const auto found =
      std::ranges::find(all, name, [](const Head& head) -> const std::string& { return head.consumer.name; });
  return found != all.end() ? std::optional(whole(std::move(*found))) : std::nullopt;
}

std::vector<Consumer> Consumers::all() {
  std::vector<Consumer> consumers;
  for (Head& head : heads()) consumers.push_back(whole(std::move(head)));
  return consumers;
}

void Consumers::store(const Head& head) {
  const Consumer& consumer = head.consumer;
  statements_.upsert("consumers", consumer.uuid, consumer.name, consumer.generation, consumer.created_at, head.leases,
                     checksum_of(head));
}

std::optional<Lease> Consumers::lease(const std::string& uuid, ShardId shard) {
  Use row = statements_.use("SELECT * FROM leases WHERE consumer = ? AND shard = ?", uuid, shard.number());
  return row->executeStep() ? std::optional(read_lease(*row)) : std::nullopt;
}

void Consumers::store(const std::string& uuid, const Lease& lease) {
  statements_.upsert("leases", uuid, lease.shard.number(), column_of(lease.owner, &LeaseOwner::worker),
                     column_of(lease.owner, &LeaseOwner::process), column_of(lease.owner, &LeaseOwner::lease_duration),
                     column_of(lease.claimant, &LeaseOwner::worker), column_of(lease.claimant, &LeaseOwner::process),
                     column_of(lease.claimant, &LeaseOwner::lease_duration), lease.epoch, lease.counter,
                     lease.generation, to_string(lease.checkpoint), sqlite::checksum_of(uuid, lease));
}

void Consumers::remove_lease(const std::string& uuid, ShardId shard) {
  statements_.use("DELETE FROM leases WHERE consumer = ? AND shard = ?", uuid, shard.number())->exec();
}

void Consumers::remove(const std::string& uuid) {
  statements_.use("DELETE FROM consumers WHERE uuid = ?", uuid)->exec();
  statements_.use("DELETE FROM leases WHERE consumer = ?", uuid)->exec();
}

std::size_t Consumers::readers_of(ShardId shard) {
  // The outer loop is over the consumers: then each lease is found by its key.
  Use row = statements_.use(
      "SELECT count(*) FROM consumers CROSS JOIN leases ON leases.consumer = consumers.uuid AND leases.shard = ? "
      "WHERE leases.owner IS NOT NULL",
      shard.number());
  row->executeStep();
  return static_cast<std::size_t>(row->getColumn(0).getInt64());
}

bool Consumers::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  if (!expected && !desired) return true;
  if (find(expected ? expected->name : desired->name) != expected) return false;
  const bool stays = expected && desired && expected->uuid == desired->uuid;
  if (expected && !stays) remove(expected->uuid);
  if (!desired) return true;
  if (!stays && head(desired->uuid)) contradict("two consumers with one UUID");
  for (const Lease& lease : stays ? expected->leases : std::vector<Lease>()) {
    const bool kept = std::ranges::find(desired->leases, lease.shard, &Lease::shard) != desired->leases.end();
    if (!kept) remove_lease(desired->uuid, lease.shard);
  }
  store({*desired, static_cast<std::int64_t>(desired->leases.size())});
  for (const Lease& lease : desired->leases) store(desired->uuid, lease);
  return true;
}

bool Consumers::change(const std::string& uuid, std::span<const LeaseChange> changes) {
  std::optional<Head> consumer = head(uuid);
  if (!consumer) return false;
  const bool as_expected = std::all_of(changes.begin(), changes.end(), [&](const LeaseChange& change) {
    return lease(uuid, change.expected ? change.expected->shard : change.desired->shard) == change.expected;
  });
  if (!as_expected) {
    whole(std::move(*consumer));  // throws if the lease was not found because its row is damaged
    return false;
  }
  const std::int64_t before = consumer->leases;
  for (const auto& [expected, desired] : changes) {
    if (desired) {
      store(uuid, *desired);
    } else {
      remove_lease(uuid, expected->shard);
    }
    consumer->leases += (desired ? 1 : 0) - (expected ? 1 : 0);
  }
  if (consumer->leases != before) store(*consumer);
  return true;
}

void Consumers::limit_times(Timestamp now) {
  for (Head& head : heads()) {
    if (head.consumer.created_at <= now) continue;
    head.consumer.created_at = now;
    store(head);
  }
}

void Consumers::verify(const Configuration& configuration, const std::function<void(const std::string&)>& report) {
  bool damaged = false;  // if true, a consumer that seems to be missing may be a damaged one
  const auto reporting = [&](const auto& check) {
    try {
      check();
    } catch (const Error& error) {
      report(error.what());
      damaged = true;
    }
  };
  std::map<std::string, Head> heads;
  Use consumers = statements_.use(all_consumers);
  while (consumers->executeStep()) {
    reporting([&] {
      Head head = read_head(*consumers);
      heads.emplace(head.consumer.uuid, std::move(head));
    });
  }
  const bool all_known = !damaged;
  const ShardMap map = configuration.map();
  std::map<std::string, std::int64_t> counts;
  Use leases = statements_.use("SELECT * FROM leases ORDER BY consumer, shard");
  while (leases->executeStep()) {
    const std::string uuid = leases->getColumn(0).getString();
    ++counts[uuid];
    reporting([&] {
      const Lease lease = read_lease(*leases);
      if (map.find(lease.shard) == nullptr)
        throw_corrupt("a lease is of " + lease.shard.to_string() + ", which does not exist");
      if (all_known && !heads.contains(uuid)) {
        throw_corrupt(fmt::format("a lease is of consumer {}, which does not exist", quote(uuid)));
      }
    });
  }
  for (const auto& [uuid, head] : heads) {
    if (counts[uuid] != head.leases) report(wrong_count(head.consumer.name, counts[uuid], head.leases));
  }
}

}  // namespace shardlog::sqlite
