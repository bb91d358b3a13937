#include "shardlog/nats/leases.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "shardlog/core/uuid.h"
#include "shardlog/nats/notice.h"

namespace shardlog::nats {

namespace {

constexpr const char* expected_header = "Nats-Expected-Last-Sequence";
/// Random: a writer whose answer got lost looks whether the message after the one that it expected is its own.
constexpr const char* token_header = "SL-Token";
constexpr std::int64_t kept_messages = 8;

[[noreturn]] void contradict(const std::string& what) {
  throw Error(ErrorCode::internal, what);
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
}

ShardId shard_of(const LeaseChange& change) {
  return change.expected ? change.expected->shard : change.desired->shard;
}

void check_changes(std::span<const LeaseChange> changes) {
  std::set<ShardId> shards;
  for (const LeaseChange& change : changes) {
    if (!change.expected && !change.desired) contradict("a change of a lease from nothing to nothing");
    if (change.desired && change.desired->shard != shard_of(change)) contradict("a lease cannot change its shard");
    if (!shards.insert(shard_of(change)).second) contradict("a lease is changed twice");
  }
}

bool only_progress(std::span<const LeaseChange> changes) {
  return std::ranges::all_of(changes, [](const LeaseChange& change) {
    return change.expected && change.desired && change.expected->owner == change.desired->owner &&
           change.expected->claimant == change.desired->claimant;
  });
}

/// The consumer with these changes; nullopt if a lease is not as expected.
std::optional<Consumer> changed(const Consumer& consumer, std::span<const LeaseChange> changes) {
  std::map<ShardId, Lease> leases;
  for (const Lease& lease : consumer.leases) leases.emplace(lease.shard, lease);
  for (const LeaseChange& change : changes) {
    const auto found = leases.find(shard_of(change));
    if ((found == leases.end() ? std::nullopt : std::optional(found->second)) != change.expected) return std::nullopt;
    if (found != leases.end()) leases.erase(found);
    if (change.desired) leases.emplace(change.desired->shard, *change.desired);
  }
  Consumer result = consumer;
  result.leases.clear();
  for (const auto& [shard, lease] : leases) result.leases.push_back(lease);
  return result;
}

}  // namespace

Leases::Kept Leases::read(const std::string& stream, const std::string& subject) {
  const std::string what = session_.what("read a consumer");
  Patience patience = session_.patience();
  const auto answer =
      patience.insist(what, [&](Duration wait) { return session_.js().last_on(stream, subject, wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) {
    if (refused->code == refusal::no_message) return {.has_stream = true};
    if (refused->code != refusal::no_stream) throw error_of(what, *refused);
    session_.refresh(session_.patience());  // throws if the whole stream was removed
    return {};
  }
  const auto& message = std::get<KeptMessage>(answer);
  try {
    return {decode_consumer(message.data), message.sequence, true};
  } catch (const Error& error) {
    throw Error(error.code(), session_.what(error.what()));
  }
}

const Leases::Kept& Leases::read(const std::string& name) {
  Kept kept = read(session_.names().consumer_stream(name), session_.names().consumer_subject(name));
  if (kept.consumer && kept.consumer->name != name) {
    throw Error(ErrorCode::exists, session_.what(fmt::format("consumer {}: the name has the same hash as {}: "
                                                             "choose another one",
                                                             quote(name), quote(kept.consumer->name))));
  }
  return kept_.insert_or_assign(name, std::move(kept)).first->second;
}

std::optional<Consumer> Leases::find(const std::string& name) {
  return read(name).consumer;
}

std::vector<Consumer> Leases::all() {
  const std::string what = session_.what("list its consumers");
  const std::string prefix = session_.names().consumer_prefix();
  Patience patience = session_.patience();
  session_.refresh(patience);  // a stream that was removed would seem to have none
  const auto answer = patience.insist(what, [&](Duration wait) { return session_.js().names(prefix, wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  const std::string any = session_.names().consumer_subject("");
  const std::string subjects = any.substr(0, any.rfind('.') + 1);
  std::vector<Consumer> consumers;
  for (const std::string& stream : std::get<std::vector<std::string>>(answer)) {
    Kept kept = read(stream, subjects + stream.substr(prefix.size()));
    if (!kept.consumer) continue;
    consumers.push_back(*kept.consumer);
    const std::string name = kept.consumer->name;
    kept_.insert_or_assign(name, std::move(kept));
  }
  std::ranges::sort(consumers, {}, &Consumer::name);
  return consumers;
}

/// Makes the JetStream stream of a consumer.
void Leases::make_stream(const std::string& name) {
  const std::string what = session_.what("make a consumer");
  JetStream& js = session_.js();
  Patience patience = session_.patience();
  const auto of_control =
      patience.insist(what, [&](Duration wait) { return js.info(session_.names().control_stream(), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&of_control)) throw error_of(what, *refused);
  JetStreamConfig config;
  config.name = session_.names().consumer_stream(name);
  config.subjects = {session_.names().consumer_subject(name)};
  config.replicas = std::get<JetStreamInfo>(of_control).config.replicas;
  config.most_per_subject = kept_messages;
  const auto made = patience.insist(what, [&](Duration wait) { return js.create(config, wait); });
  const auto* const refused = std::get_if<Refusal>(&made);
  if (refused != nullptr && refused->code != refusal::name_in_use) throw error_of(what, *refused);
  try {
    session_.refresh(session_.patience());
  } catch (const Error& error) {
    // The stream was removed meanwhile, and perhaps all that it had before this was made.
    if (error.code() == ErrorCode::not_found) static_cast<void>(js.remove(config.name, std::chrono::seconds(1)));
    throw;
  }
}

/// Writes the consumer after the message that was kept. False if there is another one by now.
bool Leases::store(const std::string& name, const std::optional<Consumer>& desired) {
  const std::string what = session_.what("change a consumer");
  const std::string stream = session_.names().consumer_stream(name);
  JetStream& js = session_.js();
  if (!kept_.at(name).has_stream) make_stream(name);
  const std::uint64_t expected = kept_.at(name).sequence;
  const std::string token = random_hex();
  const Headers headers{{expected_header, std::to_string(expected)}, {token_header, token}};
  const std::string data = encode(desired);
  bool unanswered = false;
  Patience patience = session_.patience();
  const auto answer = patience.insist(what, [&](Duration wait) -> Answer<Published> {
    auto once = js.publish(session_.names().consumer_subject(name), headers, data, wait);
    unanswered |= std::holds_alternative<NoAnswer>(once);
    if (!std::holds_alternative<Unavailable>(once)) return once;
    // Nobody answers for a stream that was removed, nor while it has no leader.
    const auto info = js.info(stream, wait);
    const auto* const refused = std::get_if<Refusal>(&info);
    return refused != nullptr && refused->code == refusal::no_stream ? Answer<Published>(*refused) : once;
  });
  std::uint64_t sequence = expected + 1;
  if (const auto* const published = std::get_if<Published>(&answer)) {
    sequence = published->sequence;
  } else {
    const auto& refused = std::get<Refusal>(answer);
    const bool is_other = refused.code == refusal::wrong_last_sequence;
    if (!is_other && refused.code != refusal::no_stream) throw error_of(what, refused);
    if (!is_other || !unanswered) return false;
    const auto next = patience.insist(what, [&](Duration wait) { return js.get(stream, sequence, wait); });
    if (const auto* const gone = std::get_if<Refusal>(&next)) {
      if (gone->code != refusal::no_message) throw error_of(what, *gone);
      throw Error(ErrorCode::io,
                  what + ": others changed it many times meanwhile, so nobody knows whether it was done");
    }
    if (std::get<KeptMessage>(next).header(token_header) != token) return false;
  }
  kept_.insert_or_assign(name, Kept{desired, sequence, true});
  return true;
}

bool Leases::replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
  session_.require_writable();
  check_replacement(expected, desired);
  if (!expected && !desired) return true;
  const std::string& name = expected ? expected->name : desired->name;
  while (read(name).consumer == expected) {
    if (!store(name, desired)) continue;
    tell_change(session_);
    return true;
  }
  return false;
}

std::optional<std::string> Leases::name_of(const std::string& uuid) {
  const auto find_kept = [&]() -> std::optional<std::string> {
    for (const auto& [name, kept] : kept_) {
      if (kept.consumer && kept.consumer->uuid == uuid) return name;
    }
    return std::nullopt;
  };
  if (auto name = find_kept()) return name;
  all();
  return find_kept();
}

bool Leases::change(const std::string& uuid, std::span<const LeaseChange> changes) {
  session_.require_writable();
  check_changes(changes);
  const auto name = name_of(uuid);
  if (!name) return false;
  // What was kept is often still right, and the servers say if it is not.
  for (bool is_fresh = false;; is_fresh = true) {
    const Kept& kept = is_fresh ? read(*name) : kept_.at(*name);
    const bool is_there = kept.consumer && kept.consumer->uuid == uuid;
    const auto desired = is_there ? changed(*kept.consumer, changes) : std::nullopt;
    if (desired && store(*name, desired)) break;
    if (!desired && is_fresh) return false;
  }
  if (!only_progress(changes)) tell_change(session_);
  return true;
}

}  // namespace shardlog::nats
