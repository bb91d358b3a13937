#include "shardlog/nats/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "shardlog/core/error.h"
#include "shardlog/core/uuid.h"
#include "shardlog/core/varint.h"
#include "shardlog/nats/scan.h"

namespace shardlog::nats {

namespace {

using metrics::MeasuredMinutes;
using metrics::Period;
using metrics::Periods;

constexpr Duration kept = std::chrono::hours(25);  // more than minutes are told as such
constexpr std::string_view trimmed_subject = "trimmed";
constexpr Duration moved_after = std::chrono::minutes(10);
constexpr std::size_t most_minutes = 16;  // that a process remembers

std::string subject_of(const Names& names, std::string_view who, std::uint64_t number) {
  const std::string all = names.metrics_subjects();  // "slm.NAME.U.>"
  return fmt::format("{}{}.{}", all.substr(0, all.size() - 1), who, number);
}

std::uint64_t number_of(Timestamp minute) {
  return static_cast<std::uint64_t>(std::max(Duration(0), minute.time_since_epoch()) / metrics::minute);
}

/// Each minute as its number, the size of its measures, and these. What is too large is left out.
std::string encode(const MeasuredMinutes& minutes) {
  std::string data;
  for (const auto& [start, measures] : minutes) {
    const auto packed = metrics::pack(measures);
    if (!packed) continue;
    append_varint(data, number_of(start));
    append_varint(data, packed->size());
    data += *packed;
  }
  return data;
}

/// Throws corrupt.
MeasuredMinutes decode(std::string_view data) {
  MeasuredMinutes minutes;
  while (!data.empty()) {
    constexpr std::uint64_t latest = 1UL << 32U;  // in the year 10136
    const std::uint64_t number = take_varint(data);
    const std::uint64_t size = take_varint(data);
    if (number > latest || size > data.size()) throw Error(ErrorCode::corrupt, "metrics: cut off");
    minutes[Timestamp(number * metrics::minute)] += metrics::unpack(data.substr(0, size));
    data.remove_prefix(size);
  }
  return minutes;
}

Answer<Published> publish(Session& session, const std::string& subject, std::string_view data, Duration wait) {
  auto answer = session.js().publish(subject, {}, data, wait);
  if (!std::holds_alternative<Unavailable>(answer)) return answer;
  JetStreamConfig config{session.names().metrics_stream(), {session.names().metrics_subjects()}};
  config.replicas = session.address().replicas;
  config.most_per_subject = 1;
  config.max_age = kept;
  const auto made = session.js().create(config, wait);
  if (const auto* const refused = std::get_if<Refusal>(&made)) return *refused;
  if (!std::holds_alternative<JetStreamInfo>(made)) return answer;
  return session.js().publish(subject, {}, data, wait);
}

/// Whether it is stored. Throws as error_of().
bool store(Session& session, const std::string& subject, std::string_view data) {
  const auto answer = publish(session, subject, data, std::chrono::seconds(1));
  if (const auto* const refused = std::get_if<Refusal>(&answer)) {
    throw error_of(session.what("keep what was measured"), *refused);
  }
  return std::holds_alternative<Published>(answer);
}

/// What a subject of the metrics stream says.
struct Source {
  bool is_trimmed = false;
  std::uint64_t number = 0;
};
std::optional<Source> parse(std::string_view subject) {
  const std::size_t last = subject.rfind('.');
  if (last == std::string_view::npos) return std::nullopt;
  Source source;
  const std::string_view digits = subject.substr(last + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), source.number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  source.is_trimmed = subject.substr(0, last).ends_with("." + std::string(trimmed_subject));
  return source;
}

class History {
 public:
  History(Session& session, Timestamp from, Timestamp until)
      : session_(session), periods_(metrics::oldest_minute(session.clock().now())) {
    const Timestamp now = session.clock().now();
    from_ = std::max(from, metrics::oldest_hour(now));
    until_ = std::min(until, now + std::chrono::days(1));  // the servers' clock may be ahead
  }

  std::vector<Period> read() {
    if (from_ >= until_) return {};
    first_ = periods_.start(from_);
    end_ = periods_.end(until_ - Duration(1));
    const Trimmed trimmed = session_.refresh(session_.patience()).trimmed;
    add(trimmed.counted);
    for (const std::string& subject : subjects()) add_message(subject, trimmed.moved);
    add_arrivals(trimmed.sequence);
    std::vector<Period> all = periods_.take();
    std::erase_if(all, [](const Period& period) { return period.measures.empty() && !period.is_damaged; });
    return all;
  }

 private:
  [[nodiscard]] bool is_wanted(Timestamp time) const { return time >= first_ && time < end_; }

  void add(const MeasuredMinutes& minutes) {
    for (const auto& [start, measures] : minutes) {
      if (is_wanted(start)) periods_.at(start).measures += measures;
    }
  }

  std::vector<std::string> subjects() {
    const std::string what = session_.what("read what was measured");
    const auto answer = session_.patience().insist(what, [&](Duration wait) {
      return session_.js().info(session_.names().metrics_stream(), wait, session_.names().metrics_subjects());
    });
    std::vector<std::string> result;
    if (const auto* const refused = std::get_if<Refusal>(&answer)) {
      if (refused->code != refusal::no_stream) throw error_of(what, *refused);
      return result;
    }
    for (const auto& [subject, count] : std::get<JetStreamInfo>(answer).subjects) result.push_back(subject);
    return result;
  }

  void add_message(const std::string& subject, std::uint64_t moved) {
    const auto source = parse(subject);
    if (!source) return;
    const Timestamp minute(source->is_trimmed ? Duration(0) : Duration(source->number * metrics::minute));
    if (source->is_trimmed ? source->number >= moved : !is_wanted(minute)) return;
    const std::string what = session_.what("read what was measured");
    const auto answer = session_.patience().insist(
        what, [&](Duration wait) { return session_.js().last_on(session_.names().metrics_stream(), subject, wait); });
    const auto* const kept_message = std::get_if<KeptMessage>(&answer);
    if (kept_message == nullptr) return;  // its time was up
    try {
      add(decode(kept_message->data));
    } catch (const Error&) {
      const Timestamp damaged = source->is_trimmed ? kept_message->time : minute;
      if (is_wanted(damaged)) periods_.at(damaged).is_damaged = true;
    }
  }

  /// Of what is still there.
  void add_arrivals(std::uint64_t after) {
    ShardEnds ends;
    ends.refresh(session_);
    Scan scan(session_, {.from = after + 1, .from_time = first_, .headers_only = true});
    while (const auto message = scan.next()) {
      if (message->is_end()) ends.note(*message);
      if (message->is_end() || message->sequence <= after || ends.is_void(*message)) continue;
      if (!is_wanted(message->time)) continue;
      const BatchFacts facts = message->facts();
      periods_.at(message->time).measures.shards[message->shard].in += {facts.count, facts.bytes, 1};
    }
  }

  Session& session_;
  Periods periods_;
  Timestamp from_{};
  Timestamp until_{};
  Timestamp first_{};
  Timestamp end_{};
};

}  // namespace

MetricsLog::MetricsLog(Session& session) : session_(session), process_(random_hex()) {}

bool MetricsLog::add(std::span<const Period> minutes) {
  MeasuredMinutes changed;
  for (const Period& each : minutes) changed[metrics::start_of(metrics::minute, each.start)] += each.measures;
  if (changed.empty()) return true;
  const bool is_forgotten = minutes_.size() >= most_minutes && changed.begin()->first < minutes_.begin()->first;
  if (is_forgotten) {  // it must not replace what it has told before
    process_ = random_hex();
    minutes_.clear();
  }
  for (auto& [start, measures] : changed) {
    const auto found = minutes_.find(start);
    if (found != minutes_.end()) measures += found->second;
    // If this fails for one of them, the others are stored again with the same measures.
    if (!store(session_, subject_of(session_.names(), process_, number_of(start)), encode({{start, measures}}))) {
      return false;
    }
  }
  for (auto& [start, measures] : changed) minutes_[start] = std::move(measures);
  while (minutes_.size() > most_minutes) minutes_.erase(minutes_.begin());
  return true;
}

std::vector<Period> MetricsLog::history(Timestamp from, Timestamp until) {
  return History(session_, from, until).read();
}

void carry_counts(Session& session, Trimmed& desired) {
  const Trimmed& before = session.control().trimmed;
  desired.moved = before.moved;
  if (before.counted.empty()) return;
  try {
    const bool has_grown =
        !desired.counted.empty() && desired.counted.rbegin()->first - before.counted.begin()->first >= moved_after;
    const bool is_moved =
        has_grown && store(session, subject_of(session.names(), trimmed_subject, before.moved), encode(before.counted));
    if (is_moved) {
      ++desired.moved;
      return;
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): then it stays in the control message
  }
  for (const auto& [minute, measures] : before.counted) desired.counted[minute] += measures;
}

}  // namespace shardlog::nats
