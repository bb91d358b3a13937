#include "shardlog/nats/trimmer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/passed.h"
#include "shardlog/nats/leases.h"
#include "shardlog/nats/metrics.h"
#include "shardlog/nats/resharder.h"

namespace shardlog::nats {

namespace {

constexpr std::size_t messages_a_step = 4096;
constexpr Duration longest_interval = std::chrono::seconds(1);  // between looks
constexpr int looks_per_retention = 16;

// An append that needs room makes enough for ten more of its size, but not more than a hundredth of the bound.
constexpr std::uint64_t appends_ahead = 10;
constexpr std::uint64_t parts_of_bound = 100;

/// Decides which messages go, and counts them.
class TrimStep {
 public:
  TrimStep(Session& session, Timestamp now, std::uint64_t excess)
      : session_(session),
        settings_(session.control().settings),
        expired_(expiry(settings_.retention, now)),
        excess_(excess),
        trimmed_(session.control().trimmed) {
    trimmed_.counted.clear();
  }

  /// Whether it goes. Nothing that comes after a message that stays may go.
  bool take(const DataMessage& message, bool is_void) {
    const std::optional<BatchFacts> facts = message.is_end() || is_void ? std::nullopt : std::optional(message.facts());
    if (facts && !may_go(message, *facts)) return false;
    trimmed_.sequence = message.sequence;
    if (facts) count(message, *facts);
    return true;
  }

  /// All that was ever removed; `counted` is what this step removes.
  [[nodiscard]] const Trimmed& trimmed() const { return trimmed_; }

  /// Whether it would decide the same by the settings of this control message.
  [[nodiscard]] bool fits(const Control& control) const {
    return !control.intent && control.settings.retention == settings_.retention &&
           control.settings.until_consumed == settings_.until_consumed &&
           control.settings.max_bytes == settings_.max_bytes && control.settings.when_full == settings_.when_full;
  }

 private:
  bool may_go(const DataMessage& message, const BatchFacts& facts) {
    if (expired_ && message.time < *expired_) return true;
    const bool is_over = excess_ > 0;
    if (is_over && settings_.when_full == WhenFull::trim) return true;
    if (!is_over && !settings_.until_consumed) return false;
    return passed().up_to(message.shard, sequences_of(message.sequence, facts.count).last());
  }

  /// Asked for late, because most streams do not need it.
  const Passed& passed() {
    if (!passed_) {
      map_.emplace(session_.control().map());
      passed_.emplace(*map_, Leases(session_).all());
    }
    return *passed_;
  }

  void count(const DataMessage& message, const BatchFacts& facts) {
    Trimmed::OfShard& of = trimmed_.shards[message.shard];
    of.sequence = message.sequence;
    of.last = message.sequence * numbers_a_message + facts.count - 1;
    of.records += facts.count;
    of.bytes += facts.bytes;
    ++of.messages;
    trimmed_.newest = std::max(trimmed_.newest, message.time);
    excess_ -= std::min(excess_, facts.bytes);
    trimmed_.counted[metrics::start_of(metrics::minute, message.time)].shards[message.shard].in +=
        {facts.count, facts.bytes, 1};
  }

  Session& session_;
  StreamSettings settings_;
  std::optional<Timestamp> expired_;
  std::uint64_t excess_;  ///< bytes that must go, whether they are past retention or not
  Trimmed trimmed_;
  std::optional<ShardMap> map_{};
  std::optional<Passed> passed_{};
};

bool has_retention(const StreamSettings& settings) {
  return settings.retention != forever || settings.until_consumed;
}

/// Whether an append goes on in spite of it, because it will find out for itself.
bool is_transient(ErrorCode code) {
  return code == ErrorCode::busy || code == ErrorCode::io || code == ErrorCode::full;
}

}  // namespace

void Trimmer::maybe_trim() {
  const StreamSettings& settings = session_.control().settings;
  const Duration now = session_.clock().elapsed();
  if (!has_retention(settings) || (!is_late_ && now < next_look_)) return;
  next_look_ = now + std::min(settings.retention / looks_per_retention, longest_interval);
  try {
    if (may_have_rest_) purge();
    is_late_ = is_due() && step(0);
  } catch (const Error& error) {
    if (!is_transient(error.code())) throw;
  }
}

std::optional<Outcome> Trimmer::make_room(std::uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  for (;;) {
    tally_.catch_up();
    const StreamSettings& settings = session_.control().settings;
    const std::uint64_t most = settings.max_bytes;
    if (most == unbounded) return std::nullopt;
    if (bytes > most) {
      return Refused{ErrorCode::malformed,
                     fmt::format("{} bytes in one append, and the stream holds at most {}", bytes, most)};
    }
    const std::uint64_t held = tally_.held();
    if (held + bytes <= most) return std::nullopt;
    const std::uint64_t ahead = std::min(appends_ahead * bytes, most / parts_of_bound);
    if (!step(held + bytes + ahead - most)) return NoRoom{settings.when_full, held, most};
  }
}

void Trimmer::finish() {
  purge();
  for (;;) {
    std::uint64_t excess = 0;
    if (session_.control().settings.max_bytes != unbounded) {
      tally_.catch_up();
      const std::uint64_t held = tally_.held();
      excess = held - std::min(held, session_.control().settings.max_bytes);
    }
    if ((excess == 0 && !has_retention(session_.control().settings)) || !step(excess)) return;
  }
}

/// Whether something may be past retention. Messages come in the order of their times, except after a change of
/// leaders, so nothing expires before the oldest one does.
bool Trimmer::is_due() {
  const StreamSettings& settings = session_.control().settings;
  if (!has_looked_ || settings.until_consumed) return true;
  const Timestamp now = servers_time_ + (session_.clock().elapsed() - looked_at_);
  const auto expired = expiry(settings.retention, now);
  return expired && oldest_ < *expired;
}

/// Returns whether anything was removed, so that there may be more.
bool Trimmer::step(std::uint64_t excess) {
  if (session_.refresh(session_.patience()).intent) finish_intent(session_, session_.patience());
  ShardEnds ends;
  ends.refresh(session_);
  Scan scan(session_, {.from = session_.control().trimmed.sequence + 1, .headers_only = true});
  servers_time_ = scan.servers_now();
  looked_at_ = session_.clock().elapsed();
  has_looked_ = true;
  oldest_ = servers_time_;
  TrimStep trim(session_, servers_time_, excess);
  std::size_t taken = 0;
  while (taken < messages_a_step) {
    const auto message = scan.next();
    if (!message) break;
    if (message->is_end()) ends.note(*message);
    if (!trim.take(*message, ends.is_void(*message))) {
      oldest_ = std::min(oldest_, message->time);
      break;
    }
    ++taken;
  }
  if (taken == 0) return false;
  if (taken == messages_a_step) has_looked_ = false;
  Trimmed desired = trim.trimmed();
  carry_counts(session_, desired);
  const Trimmed before = session_.control().trimmed;
  const bool done = session_.change(session_.patience(), [&](Control& control) {
    if (control.trimmed != before || !trim.fits(control)) return false;
    control.trimmed = desired;
    return true;
  });
  may_have_rest_ = true;
  if (done) purge();
  return true;
}

/// Removes from the data stream what the control message says is removed.
void Trimmer::purge() {
  const std::uint64_t sequence = session_.control().trimmed.sequence;
  if (sequence > 0) {
    const std::string what = session_.what("remove what is past retention");
    Patience patience = session_.patience();
    const auto answer = patience.insist(what, [&](Duration wait) {
      return session_.js().purge(session_.names().data_stream(), {}, sequence + 1, wait);
    });
    if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  }
  may_have_rest_ = false;
}

}  // namespace shardlog::nats
