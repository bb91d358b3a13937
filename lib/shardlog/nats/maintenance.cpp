#include "shardlog/nats/maintenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "shardlog/nats/notice.h"
#include "shardlog/nats/scan.h"
#include "shardlog/nats/trimmer.h"

namespace shardlog::nats {

namespace {

constexpr int format_version = 1;

JetStreamInfo data_info(Session& session) {
  const std::string what = session.what("look at its data stream");
  const auto answer = session.patience().insist(
      what, [&](Duration wait) { return session.js().info(session.names().data_stream(), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  return std::get<JetStreamInfo>(answer);
}

/// When the newest record arrived. A marker that ends a shard may be newer: then it says when that came.
std::optional<Timestamp> last_arrival(const Control& control, const JetStreamInfo& info) {
  const bool only_markers = control.trimmed.sequence == 0 && info.messages <= control.ends.size();
  if (info.messages > 0 && !only_markers) return info.last_time;
  return control.trimmed.shards.empty() ? std::nullopt : std::optional(control.trimmed.newest);
}

StreamDescription description_of(const Control& control, const JetStreamInfo& info) {
  StreamDescription described{control.uuid, format_version, control.created_at, control.settings, control.map()};
  described.turn = info.last_sequence;
  described.last_arrival = last_arrival(control, info);
  described.attributes = control.attributes;
  return described;
}

void check_change(Session& session, const SettingsChange& change) {
  const Capabilities& can = capabilities();
  require(!change.repair_clock, "--repair-clock", can);
  require(!change.accept_loss, "--accept-loss", can);
  const auto& limits = change.limits;
  const bool is_limited = limits.write_records.value_or(std::nullopt) || limits.write_bytes.value_or(std::nullopt) ||
                          limits.read_bytes.value_or(std::nullopt) || limits.read_calls.value_or(std::nullopt);
  require(!is_limited, "--limits", can);
  check_payload(session.js().connection(), change.max_record_size.value_or(0), session.what("change its settings"));
}

ShardStatistics statistics_of(const Shard& shard, const Tally::OfShard& all, const Trimmed& trimmed) {
  ShardStatistics result{shard};
  const auto found = trimmed.shards.find(shard.id);
  const Trimmed::OfShard gone = found == trimmed.shards.end() ? Trimmed::OfShard() : found->second;
  result.records = all.records - gone.records;
  result.bytes = all.bytes - gone.bytes;
  result.trimmed_records = gone.records;
  result.trimmed_bytes = gone.bytes;
  result.intake = Intake{all.records, all.bytes, all.messages};
  return result;
}

/// What a read from a start has still to deliver of its shard.
class Unread {
 public:
  explicit Unread(const ShardStart& start) : shard_(start.shard) {
    std::visit([this](const auto& from) { set(from); }, start.from);
  }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] ShardId shard() const { return shard_; }
  /// Nothing before this message is unread.
  [[nodiscard]] std::uint64_t first_message() const { return next_ / numbers_a_message; }

  /// Returns whether some of its records are.
  bool count(const DataMessage& message, std::uint64_t records) {
    const std::uint64_t first = message.sequence * numbers_a_message;
    const std::uint64_t read = next_ > first ? std::min(next_ - first, records) : 0;
    has_begun_ = has_begun_ || (read < records && message.time >= not_before_);
    if (!has_begun_) return false;
    records_ += records - read;
    return read < records;
  }

 private:
  static constexpr std::uint64_t after_all = std::numeric_limits<std::uint64_t>::max();

  /// Greater numbers than this engine gives are after all records.
  static std::uint64_t number_of(const SequenceNumber& sequence) {
    const std::string& digits = sequence.to_string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() ? number : after_all;
  }

  void set(const Beginning& from) { not_before_ = from.not_before.value_or(not_before_); }
  void set(const TrimHorizon& /*from*/) {}
  void set(const Latest& /*from*/) { next_ = after_all; }
  void set(const AtTime& from) { not_before_ = from.time; }
  void set(const AtSequence& from) {
    next_ = number_of(from.sequence);
    not_before_ = from.not_before.value_or(not_before_);
  }
  void set(const AfterSequence& from) {
    const std::uint64_t number = number_of(from.sequence);
    next_ = number == after_all ? after_all : number + 1;
  }

  ShardId shard_;
  std::uint64_t next_ = 0;
  Timestamp not_before_ = Timestamp::min();
  bool has_begun_ = false;
  std::uint64_t records_ = 0;
};

class Verification {
 public:
  explicit Verification(Session& session) : session_(session), control_(session.refresh(session.patience())) {}

  VerifyReport run(const std::function<bool(double)>& progress) {
    ends_.refresh(session_);
    const std::uint64_t last = last_sequence(session_);
    Scan scan(session_, {.from = control_.trimmed.sequence + 1, .until = last});
    while (const auto message = scan.next()) {
      look_at(*message);
      if (report_.findings.size() >= most_findings) return std::move(report_);
      if (!progress(static_cast<double>(message->sequence) / static_cast<double>(last))) return std::move(report_);
    }
    check_ends(last);
    static_cast<void>(progress(1));
    return std::move(report_);
  }

 private:
  static constexpr std::size_t most_findings = 1000;

  void look_at(const DataMessage& message) {
    if (message.is_end()) {
      ends_.note(message);
      markers_.emplace(message.shard, message.sequence);
      return;
    }
    if (ends_.is_void(message)) return;
    ++report_.batches;
    try {
      const BatchFacts facts = message.facts();
      check(facts, session_.uuid(), message.shard, message.payload());
      const RecordBatch batch = RecordBatch::decode(Bytes(message.payload()));
      if (batch.size() != facts.count || batch.data_bytes() != facts.bytes) {
        throw Error(ErrorCode::corrupt, "its header counts otherwise than its records");
      }
      report_.records += batch.size();
    } catch (const Error& error) {
      report(fmt::format("{}, message {}: {}", message.shard.to_string(), message.sequence, error.what()));
    }
    if (session_.control().shards.size() > message.shard.number()) return;
    if (session_.refresh(session_.patience()).shards.size() > message.shard.number()) return;  // it is new
    report(fmt::format("message {} is of {}, which is unknown", message.sequence, message.shard.to_string()));
  }

  /// The marker of a closed shard must be where the control message says.
  void check_ends(std::uint64_t last) {
    for (const auto& [shard, end] : control_.ends) {
      const auto found = markers_.find(shard);
      const bool is_there = found != markers_.end() && found->second == end;
      if (is_there || end <= session_.refresh(session_.patience()).trimmed.sequence || end > last) continue;
      report(fmt::format("{} ends at message {}, and its marker is not there", shard.to_string(), end));
    }
  }

  void report(std::string finding) { report_.findings.push_back(std::move(finding)); }

  Session& session_;
  Control control_;
  ShardEnds ends_;
  std::map<ShardId, std::uint64_t> markers_;  ///< the first one of each shard
  VerifyReport report_;
};

}  // namespace

StreamDescription describe(Session& session) {
  const Control& control = session.refresh(session.patience());
  return description_of(control, data_info(session));
}

void NatsMaintenance::update(const SettingsChange& change) {
  session_.require_writable();
  check_change(session_, change);
  session_.change(session_.patience(), [&](Control& control) {
    shardlog::apply(control.settings, change);
    change_values(control.attributes, change.attributes);
    shardlog::check(control.attributes);
    return true;
  });
  tell_change(session_);
  try {
    Trimmer(session_).finish();
  } catch (const Error& error) {
    // This throws a different error: with the original one, the caller would think that nothing was changed.
    if (error.code() != ErrorCode::busy && error.code() != ErrorCode::full) throw;
    throw Error(
        ErrorCode::io,
        fmt::format("the settings were changed, but not all records that may go were removed: {}", error.what()));
  }
}

StreamStatistics NatsMaintenance::statistics(Detail detail) {
  struct Ends {
    std::optional<ShardStatistics::End> first;
    std::optional<ShardStatistics::End> last;
  };
  std::map<ShardId, Ends> ends;
  Tally fresh(session_);
  Tally& tally = detail == Detail::load ? tally_ : fresh;
  const auto note = [&](const DataMessage& message, const BatchFacts& facts) {
    const SequenceRun run = sequences_of(message.sequence, facts.count);
    Ends& of = ends[message.shard];
    if (!of.first) of.first = {run[0], message.time};
    of.last = {run.last(), message.time};
  };
  tally.catch_up(detail == Detail::load ? Tally::Visitor() : note, [&] { ends.clear(); });
  const Control& control = session_.control();
  const JetStreamInfo info = data_info(session_);
  StreamStatistics result{description_of(control, info), {}, info.bytes};
  for (const Shard& shard : control.shards) {
    ShardStatistics statistics = statistics_of(shard, tally.of(shard.id), control.trimmed);
    if (const auto found = ends.find(shard.id); found != ends.end()) {
      statistics.first = found->second.first;
      statistics.last = found->second.last;
    }
    result.shards.push_back(std::move(statistics));
  }
  return result;
}

std::vector<std::optional<std::vector<Intake>>> NatsMaintenance::intake(std::span<const Timestamp> times) {
  if (times.empty()) return {};
  // What arrived before the time with the same index, and not before the one before that.
  std::vector<std::map<ShardId, Intake>> between(times.size());
  Tally tally(session_);
  tally.catch_up(
      [&](const DataMessage& message, const BatchFacts& facts) {
        const auto next = std::upper_bound(times.begin(), times.end(), message.time);
        if (next == times.end()) return;
        Intake& intake = between[static_cast<std::size_t>(next - times.begin())][message.shard];
        intake.records += facts.count;
        intake.bytes += facts.bytes;
        ++intake.appends;
      },
      [&] { between.assign(times.size(), {}); });
  const Control& control = session_.control();
  std::vector<Intake> sums(control.shards.size());
  const auto add = [&](ShardId shard, const Intake& more) {
    Intake& sum = sums.at(shard.number());  // shard n is the n-th of them
    sum.records += more.records;
    sum.bytes += more.bytes;
    sum.appends += more.appends;
  };
  for (const auto& [shard, of] : control.trimmed.shards) add(shard, {of.records, of.bytes, of.messages});
  std::vector<std::optional<std::vector<Intake>>> result(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    for (const auto& [shard, intake] : between[i]) add(shard, intake);
    const bool is_known = control.trimmed.shards.empty() || control.trimmed.newest < times[i];
    if (is_known) result[i] = sums;
  }
  return result;
}

Backlog NatsMaintenance::backlog(std::span<const ShardStart> starts) {
  const Control& control = session_.refresh(session_.patience());
  const ShardMap map = control.map();
  std::vector<Unread> unread;
  std::map<ShardId, std::size_t> places;
  ScanRequest request{.from = std::numeric_limits<std::uint64_t>::max(), .headers_only = true};
  for (const ShardStart& start : starts) {
    request.shards.push_back(map.at(start.shard).id);
    places.emplace(start.shard, unread.size());
    unread.emplace_back(start);
    request.from = std::min(request.from, unread.back().first_message());
  }
  request.from = std::max(request.from, control.trimmed.sequence + 1);
  Backlog result;
  const std::uint64_t last = starts.empty() ? 0 : last_sequence(session_);
  if (request.from <= last) {
    request.until = last;
    ShardEnds ends;
    ends.refresh(session_);
    Scan scan(session_, std::move(request));
    while (const auto message = scan.next()) {
      if (message->is_end()) ends.note(*message);
      if (message->is_end() || ends.is_void(*message)) continue;
      const auto found = places.find(message->shard);
      if (found == places.end() || !unread[found->second].count(*message, message->facts().count)) continue;
      result.oldest = std::min(result.oldest.value_or(message->time), message->time);
    }
  }
  for (const Unread& each : unread) result.records.emplace_back(each.records());
  return result;
}

VerifyReport NatsMaintenance::verify(const std::function<bool(double)>& progress) {
  return Verification(session_).run(progress);
}

}  // namespace shardlog::nats
