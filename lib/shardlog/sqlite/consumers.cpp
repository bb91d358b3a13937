#include "shardlog/sqlite/consumers.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/prepared.h"
#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::string_view consumer_columns = "uuid, name, generation, created_at, leases, checksum";
constexpr std::string_view lease_columns =
    "consumer, shard, owner, owner_process, owner_duration, claimant, claimant_process, claimant_duration, epoch, "
    "counter, generation, checkpoint, checksum";
constexpr std::size_t longest_owner = 256;  // bytes, of the worker's name and of its process

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

std::int64_t microseconds(Timestamp time) {
  return time.time_since_epoch().count();
}

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

/// The row that the statement stands on.
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
  refuse(fmt::format("lease of shard {} of the consumer with UUID {}: checksum mismatch", shard, quote(uuid)));
}

void bind_owner(SQLite::Statement& row, int parameter, const std::optional<LeaseOwner>& owner) {
  if (owner) {
    row.bind(parameter, owner->worker);
    row.bind(parameter + 1, owner->process);
    row.bind(parameter + 2, std::int64_t{owner->lease_duration.count()});
  } else {
    for (const int each : {0, 1, 2}) row.bind(parameter + each);
  }
}

void check_owner(const std::optional<LeaseOwner>& owner) {
  if (!owner) return;
  if (owner->worker.empty() || owner->worker.size() > longest_owner || owner->process.size() > longest_owner) {
    throw Error(ErrorCode::usage,
                fmt::format("worker {}: a worker's name has 1 to {} bytes", quote(owner->worker), longest_owner));
  }
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
  if (expected && expected->name != desired->name) contradict("a consumer keeps its name");
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
    if (expected && desired && expected->shard != desired->shard) contradict("a lease keeps its shard");
    if (!shards.insert(expected ? expected->shard : desired->shard).second) contradict("a lease is changed twice");
    if (!desired) continue;
    check_owner(desired->owner);
    check_owner(desired->claimant);
  }
}

Consumers::Consumers(SQLite::Database& database)
    : select_all_(database, fmt::format("SELECT {} FROM consumers ORDER BY name", consumer_columns)),
      select_(database, fmt::format("SELECT {} FROM consumers WHERE uuid = ?", consumer_columns)),
      replace_(database, upsert_into("consumers")),
      remove_(database, "DELETE FROM consumers WHERE uuid = ?"),
      select_all_leases_(database, fmt::format("SELECT {} FROM leases ORDER BY consumer, shard", lease_columns)),
      select_leases_(database, fmt::format("SELECT {} FROM leases WHERE consumer = ? ORDER BY shard", lease_columns)),
      select_lease_(database, fmt::format("SELECT {} FROM leases WHERE consumer = ? AND shard = ?", lease_columns)),
      replace_lease_(database, upsert_into("leases")),
      remove_lease_(database, "DELETE FROM leases WHERE consumer = ? AND shard = ?"),
      remove_leases_(database, "DELETE FROM leases WHERE consumer = ?") {}

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
  head.consumer.uuid = row.getColumn(0).getString();
  head.consumer.name = row.getColumn(1).getString();
  head.consumer.generation = unsigned_of(row.getColumn(2));
  head.consumer.created_at = Timestamp(Duration(row.getColumn(3).getInt64()));
  head.leases = row.getColumn(4).getInt64();
  if (row.getColumn(5).getInt64() != checksum_of(head)) {
    refuse("consumer " + quote(head.consumer.name) + ": checksum mismatch");
  }
  check_head(head);
  return head;
}

void Consumers::check_head(const Head& head) {
  const Consumer& consumer = head.consumer;
  try {
    check_consumer_name(consumer.name);
    if (!is_uuid(consumer.uuid)) refuse("its uuid is " + quote(consumer.uuid));
    if (consumer.generation == 0) refuse("its generation is 0");
    stored_time("created_at", microseconds(consumer.created_at));
  } catch (const Error& error) {
    refuse("consumer " + quote(consumer.name) + ": " + error.what());
  }
}

std::vector<Consumers::Head> Consumers::heads() {
  std::vector<Head> heads;
  Use rows(select_all_);
  while (rows->executeStep()) {
    heads.push_back(read_head(*rows));
    const bool twice = heads.size() > 1 && heads[heads.size() - 2].consumer.name == heads.back().consumer.name;
    if (twice) refuse("consumer " + quote(heads.back().consumer.name) + " stands twice");
  }
  return heads;
}

/// Where it is not found all others are looked at: it may be one whose UUID is damaged.
std::optional<Consumers::Head> Consumers::head(const std::string& uuid) {
  {
    Use row(select_);
    row->bind(1, uuid);
    if (row->executeStep()) return read_head(*row);
  }
  heads();
  return std::nullopt;
}

Consumer Consumers::whole(Head head) {
  Consumer consumer = std::move(head.consumer);
  Use rows(select_leases_);
  rows->bind(1, consumer.uuid);
  while (rows->executeStep()) consumer.leases.push_back(read_lease(*rows));
  if (static_cast<std::int64_t>(consumer.leases.size()) != head.leases) {
    refuse(fmt::format("consumer {}: {} leases where {} were expected", quote(consumer.name), consumer.leases.size(),
                       head.leases));
  }
  return consumer;
}

std::optional<Consumer> Consumers::find(const std::string& name) {
  std::optional<Head> found;
  for (Head& head : heads()) {
    if (head.consumer.name == name) found = std::move(head);
  }
  return found ? std::optional(whole(std::move(*found))) : std::nullopt;
}

std::vector<Consumer> Consumers::all() {
  std::vector<Consumer> consumers;
  for (Head& head : heads()) consumers.push_back(whole(std::move(head)));
  return consumers;
}

void Consumers::store(const Head& head) {
  Use row(replace_);
  row->bind(1, head.consumer.uuid);
  row->bind(2, head.consumer.name);
  row->bind(3, static_cast<std::int64_t>(head.consumer.generation));
  row->bind(4, microseconds(head.consumer.created_at));
  row->bind(5, head.leases);
  row->bind(6, checksum_of(head));
  row->exec();
}

std::optional<Lease> Consumers::lease(const std::string& uuid, ShardId shard) {
  Use row(select_lease_);
  row->bind(1, uuid);
  row->bind(2, shard.number());
  return row->executeStep() ? std::optional(read_lease(*row)) : std::nullopt;
}

void Consumers::store(const std::string& uuid, const Lease& lease) {
  Use row(replace_lease_);
  row->bind(1, uuid);
  row->bind(2, lease.shard.number());
  bind_owner(*row, 3, lease.owner);
  bind_owner(*row, 6, lease.claimant);
  row->bind(9, static_cast<std::int64_t>(lease.epoch));
  row->bind(10, static_cast<std::int64_t>(lease.counter));
  row->bind(11, static_cast<std::int64_t>(lease.generation));
  row->bind(12, to_string(lease.checkpoint));
  row->bind(13, sqlite::checksum_of(uuid, lease));
  row->exec();
}

void Consumers::remove_lease(const std::string& uuid, ShardId shard) {
  Use row(remove_lease_);
  row->bind(1, uuid);
  row->bind(2, shard.number());
  row->exec();
}

void Consumers::remove(const std::string& uuid) {
  for (SQLite::Statement* const statement : {&remove_, &remove_leases_}) {
    Use rows(*statement);
    rows->bind(1, uuid);
    rows->exec();
  }
}

/// Removes those of `leases` whose shards the consumer has no lease of.
void Consumers::remove_leases_but_of(const Consumer& consumer, std::span<const Lease> leases) {
  for (const Lease& lease : leases) {
    const bool stays = std::any_of(consumer.leases.begin(), consumer.leases.end(),
                                   [&](const Lease& other) { return other.shard == lease.shard; });
    if (!stays) remove_lease(consumer.uuid, lease.shard);
  }
}

bool Consumers::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  if (!expected && !desired) return true;
  if (find(expected ? expected->name : desired->name) != expected) return false;
  const bool stays = expected && desired && expected->uuid == desired->uuid;
  if (expected && !stays) remove(expected->uuid);
  if (!desired) return true;
  if (!stays && head(desired->uuid)) contradict("two consumers with one UUID");
  if (stays) remove_leases_but_of(*desired, expected->leases);
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
    whole(std::move(*consumer));  // a lease that is not found may be one whose row is damaged
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
  // What follows from one damage is not reported a second time.
  bool damaged = false;
  const auto reporting = [&](const auto& check) {
    try {
      check();
    } catch (const Error& error) {
      report(error.what());
      damaged = true;
    }
  };
  std::map<std::string, Head> heads;
  {
    Use rows(select_all_);
    while (rows->executeStep()) {
      reporting([&] {
        Head head = read_head(*rows);
        heads.emplace(head.consumer.uuid, std::move(head));
      });
    }
  }
  const bool all_known = !damaged;
  const ShardMap map = configuration.map();
  std::map<std::string, std::int64_t> leases;
  Use rows(select_all_leases_);
  while (rows->executeStep()) {
    const std::string uuid = rows->getColumn(0).getString();
    ++leases[uuid];
    reporting([&] {
      const Lease lease = read_lease(*rows);
      if (map.find(lease.shard) == nullptr) refuse("a lease is of " + lease.shard.to_string() + ", which is not there");
      if (all_known && !heads.contains(uuid)) {
        refuse(fmt::format("a lease is of consumer {}, which is not there", quote(uuid)));
      }
    });
  }
  for (const auto& [uuid, head] : heads) {
    if (leases[uuid] == head.leases) continue;
    report(fmt::format("consumer {}: {} leases where {} were expected", quote(head.consumer.name), leases[uuid],
                       head.leases));
  }
}

}  // namespace shardlog::sqlite
