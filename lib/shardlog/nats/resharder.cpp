#include "shardlog/nats/resharder.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/notice.h"

namespace shardlog::nats {

namespace {

/// What was published to the old epoch, and accepted by a leader, is stored by then.
constexpr Duration until_settled = std::chrono::milliseconds(500);

/// Whoever began a reshard, and still runs, has done it by then.
constexpr Duration until_taken_over = std::chrono::seconds(2);
constexpr Duration look_interval = std::chrono::milliseconds(50);

constexpr const char* expected_on_subject_header = "Nats-Expected-Last-Subject-Sequence";

/// The one that the data stream has to take.
std::uint64_t wanted_epoch(const Control& control) {
  return control.intent ? control.intent->epoch : control.epoch;
}

/// The map after all of the steps. Throws as shardlog::apply(), and not_found.
ShardMap map_after(const Control& control, const std::vector<ReshardStep>& steps, Timestamp at) {
  ShardMap map = control.map();
  for (const ReshardStep& step : steps) {
    for (const ShardId id : step.closes) static_cast<void>(map.at(id));
    map = shardlog::apply(map, step, at);
  }
  return map;
}

Attributes attributes_after(const Control& control, const ValueChanges& changes) {
  Attributes attributes = control.attributes;
  change_values(attributes, changes);
  shardlog::check(attributes);
  return attributes;
}

void take_epoch(Session& session, std::uint64_t epoch, Patience& patience) {
  const std::string what = session.what("let its shards be changed");
  const auto told =
      patience.insist(what, [&](Duration wait) { return session.js().info(session.names().data_stream(), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&told)) throw error_of(what, *refused);
  JetStreamConfig config = std::get<JetStreamInfo>(told).config;
  config.subjects = {session.names().data_subjects(epoch)};
  const auto updated = patience.insist(what, [&](Duration wait) { return session.js().update(config, wait); });
  if (const auto* const refused = std::get_if<Refusal>(&updated)) throw error_of(what, *refused);
}

/// Steps 2 to 4 of one intent.
class Sealing {
 public:
  Sealing(Session& session, Intent intent, const Patience& patience)
      : session_(session), intent_(std::move(intent)), patience_(patience), what_(session.what("close shards")) {}

  /// Returns whether it was this process that has done it.
  bool run() {
    set_subjects(session_, patience_);
    if (session_.control().intent != intent_) return false;
    std::this_thread::sleep_for(until_settled);
    std::map<ShardId, std::uint64_t> ends;
    for (const ReshardStep& step : intent_.steps) {
      for (const ShardId parent : step.closes) {
        const auto marker = end(parent);
        if (!marker) return false;
        ends[parent] = *marker;
      }
    }
    const Timestamp at = time_of_last(ends);
    const bool done = session_.change(patience_, [&](Control& control) {
      if (control.intent != intent_) return false;
      const ShardMap map = map_after(control, intent_.steps, at);
      control.version = map.version();
      control.shards = map.shards();
      control.ends.insert(ends.begin(), ends.end());
      control.attributes = attributes_after(control, intent_.attributes);
      control.epoch = intent_.epoch;
      control.intent = std::nullopt;
      return true;
    });
    if (done) tell_change(session_);
    return done;
  }

 private:
  /// Stores the marker of a parent, unless it is there, and returns its sequence. Neither the id nor the expected
  /// sequence of the subject keeps out a second marker for certain, so this looks for the first one. Nullopt if others
  /// have finished the reshard.
  std::optional<std::uint64_t> end(ShardId parent) {
    const std::string subject = session_.names().data_subject(intent_.epoch, parent, end_of_shard);
    if (!store_marker(subject, parent)) return std::nullopt;
    Patience patience = session_.patience();
    const auto ask = [&](Duration wait) {
      return session_.js().next_on(session_.names().data_stream(), subject, 1, wait);
    };
    auto first = patience.insist(what_, ask);
    for (; std::holds_alternative<Refusal>(first); first = patience.insist(what_, ask)) {
      // It may have been trimmed, but not before the reshard was finished.
      if (session_.refresh(session_.patience()).intent != intent_) return std::nullopt;
      const auto& lacking = std::get<Refusal>(first);
      if (lacking.code != refusal::no_message) throw error_of(what_, lacking);
      patience.refused(what_, lacking);  // by a new leader, which has not applied all of its log
    }
    const KeptMessage& marker = std::get<KeptMessage>(first);
    if (marker.sequence > last_) {
      last_ = marker.sequence;
      last_time_ = marker.time;
    }
    return marker.sequence;
  }

  /// False if others have finished the reshard.
  bool store_marker(const std::string& subject, ShardId parent) {
    const Headers headers{
        {id_header, fmt::format("end/{}/{}/{}", session_.uuid().substr(0, 8), intent_.epoch, parent.number())},
        {expected_on_subject_header, "0"}};
    Patience patience = session_.patience();  // for each anew: there may be thousands
    for (;;) {
      const auto answer = session_.js().publish(subject, headers, {}, std::chrono::seconds(1));
      if (std::holds_alternative<Published>(answer)) return true;
      if (const auto* const refused = std::get_if<Refusal>(&answer)) {
        if (refused->code == refusal::wrong_last_sequence) return true;
        throw error_of(what_, *refused);
      }
      patience.again(what_, std::holds_alternative<NoAnswer>(answer));
      if (std::holds_alternative<NoAnswer>(answer)) continue;
      // Perhaps the data stream takes another epoch: that of a later reshard, or of an earlier one, which a process
      // that was stopped for a while has set late.
      set_subjects(session_, patience);
      if (session_.control().intent != intent_) return false;
    }
  }

  /// When the parents close and the children open: by the clock of the servers, which says when records arrive too.
  [[nodiscard]] Timestamp time_of_last(const std::map<ShardId, std::uint64_t>& ends) const {
    Timestamp at = last_time_;
    for (const auto& [parent, end] : ends) {
      const Shard* const shard = find(parent);
      if (shard != nullptr) at = std::max(at, shard->opened_at);  // the clock of another leader may be behind
    }
    return at;
  }

  [[nodiscard]] const Shard* find(ShardId id) const {
    const auto& shards = session_.control().shards;
    return id.number() < shards.size() ? &shards[id.number()] : nullptr;  // shard n is the n-th of them
  }

  Session& session_;
  Intent intent_;
  Patience patience_;
  std::string what_;
  std::uint64_t last_ = 0;  ///< the sequence of the newest marker
  Timestamp last_time_{};
};

/// Writes the intent. Returns it; nullopt if the map has another version. An intent that is there is finished first.
std::optional<Intent> begin(Session& session, const std::vector<ReshardStep>& steps, ShardMap::Version version,
                            const ValueChanges& attributes, Patience& patience) {
  for (;;) {
    bool in_the_way = false;
    Intent intent{steps, attributes, 0};
    const bool begun = session.change(patience, [&](Control& control) {
      in_the_way = control.intent.has_value();
      if (in_the_way || control.version != version) return false;
      static_cast<void>(map_after(control, steps, control.created_at));
      static_cast<void>(attributes_after(control, attributes));
      intent.epoch = control.epoch + 1;
      control.intent = intent;
      return true;
    });
    if (begun) return intent;
    if (!in_the_way) return std::nullopt;
    finish_intent(session, patience);
  }
}

}  // namespace

std::optional<ShardMap::Version> Resharder::apply(const ReshardStep& step, ShardMap::Version version,
                                                  const ValueChanges& attributes) {
  const auto applied = apply_some({&step, 1}, version, attributes);
  return applied ? std::optional(applied->version) : std::nullopt;
}

std::optional<Resharding::Applied> Resharder::apply_some(std::span<const ReshardStep> steps, ShardMap::Version version,
                                                         const ValueChanges& attributes) {
  session_.require_writable();
  Patience patience = session_.patience();
  const auto intent = begin(session_, {steps.begin(), steps.end()}, version, attributes, patience);
  if (!intent) return std::nullopt;
  try {
    Sealing(session_, *intent, patience).run();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) throw;
    // This throws a different error: with the original one, the caller would think that nothing was changed.
    throw Error(ErrorCode::io,
                fmt::format("{}; the reshard has begun, and the next writer will finish it", error.what()));
  }
  return Applied{steps.size(), version + steps.size()};
}

void set_subjects(Session& session, const Patience& patience) {
  Patience left = patience;
  std::uint64_t epoch = wanted_epoch(session.refresh(left));
  for (;;) {
    take_epoch(session, epoch, left);
    // What this did may have undone what others have done meanwhile.
    const std::uint64_t now = wanted_epoch(session.refresh(left));
    if (now == epoch) return;
    epoch = now;
  }
}

void finish_intent(Session& session, const Patience& patience) {
  const auto intent = session.refresh(patience).intent;
  if (!intent) return;
  const Duration since = session.clock().elapsed();
  while (session.clock().elapsed() - since < until_taken_over) {
    std::this_thread::sleep_for(look_interval);
    if (session.refresh(patience).intent != intent) return;
  }
  Sealing(session, *intent, patience).run();
}

}  // namespace shardlog::nats
