#include "shardlog/nats/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "shardlog/core/numbers.h"
#include "shardlog/nats/leader_consumer.h"

namespace shardlog::nats {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();
constexpr Duration leader_is_believed = 250ms;  // longer than that after it was asked for, ask again
constexpr Duration longest_wait = 200ms;        // for a message that must be there; then ask whether it is
constexpr Duration brief_patience = 500ms;

JetStreamInfo ask(Session& session, Patience& patience) {
  const std::string what = session.what("read it");
  auto answer =
      patience.insist(what, [&](Duration wait) { return session.js().info(session.names().data_stream(), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  return std::get<JetStreamInfo>(std::move(answer));
}

}  // namespace

std::string_view DataMessage::last() const {
  const std::string_view subject = message.subject();
  return subject.substr(subject.rfind('.') + 1);
}

BatchFacts DataMessage::facts() const {
  const auto header = message.header(batch_header);
  try {
    if (!header) throw Error(ErrorCode::corrupt, "it has no header SL");
    return parse_batch_facts(*header);
  } catch (const Error& error) {
    throw Error(ErrorCode::corrupt, fmt::format("{}: message {}: {}", shard.to_string(), sequence, error.what()));
  }
}

std::uint64_t last_sequence(Session& session) {
  Patience patience = session.patience();
  return ask(session, patience).last_sequence;
}

Answer<std::uint64_t> settled_sequence(Session& session, const std::string& subject, Duration wait) {
  // Servers refuse it only after a majority of them has it: each compares it with the messages that came before it. And
  // the refusal says what the last one is.
  constexpr std::string_view never = "9223372036854775807";
  constexpr std::string_view said_before = "wrong last sequence: ";
  auto answer = session.js().publish(subject, {{"Nats-Expected-Last-Sequence", std::string(never)}}, {}, wait);
  if (std::holds_alternative<Unavailable>(answer)) return Unavailable{};
  if (std::holds_alternative<NoAnswer>(answer)) return NoAnswer{};
  const auto* const refused = std::get_if<Refusal>(&answer);
  if (refused == nullptr) throw Error(ErrorCode::internal, session.what("ask for its last message: it was stored"));
  if (refused->code != refusal::wrong_last_sequence) return *refused;
  const std::size_t at = refused->text.find(said_before);
  const auto last = at == std::string::npos
                        ? std::nullopt
                        : parse_number<std::uint64_t>(std::string_view(refused->text).substr(at + said_before.size()));
  if (!last) return *refused;
  return *last;
}

struct Scan::Parts {
  Parts(Session& session_of_all, ScanRequest request_of_it)
      : session(session_of_all),
        request(std::move(request_of_it)),
        until(request.follow  ? no_end
              : request.until ? *request.until
                              : last_sequence(session)),
        read(request.from_time ? 0 : std::max<std::uint64_t>(1, request.from) - 1) {
    std::sort(request.shards.begin(), request.shards.end());
  }

  /// Whether a wanted message is there within `wait`, or before all messages up to `target` have come.
  bool fetch(Duration wait, Patience& patience, std::uint64_t target = no_end);
  DataMessage take() {
    DataMessage message = std::move(*ready);
    ready.reset();
    return message;
  }
  void make(Patience& patience);
  void accept(LeaderConsumer::Delivered delivered, Patience& patience);
  /// Whether the leader has all messages up to `until`, and has nothing more for the consumer.
  bool is_exhausted(Patience& patience);
  [[nodiscard]] bool wants(const DataSubject& subject) const;
  [[nodiscard]] bool over() const { return !ready && (read >= until || ended); }

  Session& session;
  ScanRequest request;
  std::uint64_t until;
  std::uint64_t read;  ///< the last message that has come, wanted or not
  std::unique_ptr<LeaderConsumer> consumer{};
  std::optional<DataMessage> ready{};
  bool ended = false;                   ///< there is nothing up to `until` any more
  bool drained = false;                 ///< the server said that it has no more: perhaps there is nothing up to `until`
  Timestamp newest = Timestamp::min();  ///< the latest time of a message
  Steady::time_point leader_known_at{};
};

void Scan::Parts::make(Patience& patience) {
  // After the first message it goes on by sequence.
  const auto time = read == 0 ? request.from_time : std::nullopt;
  consumer =
      std::make_unique<LeaderConsumer>(session, LeaderConsumer::From{read + 1, time}, request.headers_only, patience);
  leader_known_at = Steady::now();
  drained = consumer->began_at_end();
}

bool Scan::Parts::is_exhausted(Patience& patience) {
  const JetStreamInfo info = ask(session, patience);
  if (info.leader != consumer->leader()) {
    consumer.reset();
    return false;
  }
  leader_known_at = Steady::now();
  // A leader answers before it has applied all that it has in its log: then it still gets what is missing.
  return info.last_sequence >= until && consumer->is_at_end();
}

bool Scan::Parts::wants(const DataSubject& subject) const {
  const bool of_shard =
      request.shards.empty() || std::binary_search(request.shards.begin(), request.shards.end(), subject.shard);
  return of_shard && (!request.producer || subject.last == *request.producer);
}

void Scan::Parts::accept(LeaderConsumer::Delivered delivered, Patience& patience) {
  const auto& [delivery, message] = delivered;
  if (delivery.sequence <= read) return;  // a scan that begins after the last message gets that one, too
  if (delivery.sequence > until) {
    ended = true;
    return;
  }
  if (const auto now = Steady::now(); now - leader_known_at > leader_is_believed) {
    // It does not bring this message again. If asking fails, another one has to.
    auto asked_about = std::move(consumer);
    if (ask(session, patience).leader != asked_about->leader()) return;
    consumer = std::move(asked_about);
    leader_known_at = now;
  }
  newest = std::max(newest, delivery.time);
  read = delivery.sequence;
  drained = delivery.pending == 0;
  const auto subject = parse_data_subject(message.subject());
  if (subject && wants(*subject)) {
    ready = DataMessage{delivery.sequence, delivery.time,    subject->epoch,
                        subject->shard,    delivery.pending, std::move(delivered.message)};
  }
}

bool Scan::Parts::fetch(Duration wait, Patience& patience, std::uint64_t target) {
  const auto give_up_at = Steady::now() + wait;
  while (!ready && !over() && read < target) {
    if (!consumer) {
      make(patience);
      continue;
    }
    if (std::exchange(drained, false) && !request.follow) {
      ended = is_exhausted(patience);
      if (ended || !consumer) continue;
    }
    const auto left = std::chrono::duration_cast<Duration>(give_up_at - Steady::now());
    auto got = consumer->next(std::clamp<Duration>(left, 0ms, longest_wait));
    if (auto* const delivered = std::get_if<LeaderConsumer::Delivered>(&got)) {
      accept(std::move(*delivered), patience);
      if (left < -longest_wait) break;  // there is no end of messages that are not wanted
    } else if (std::holds_alternative<LeaderConsumer::Lost>(got)) {
      consumer.reset();
      patience.again(session.what("read it"), false);
    } else {
      drained = wait > 0ms;  // ask whether anything is there at all
      if (left <= longest_wait) break;
    }
  }
  return ready.has_value();
}

Scan::Scan(Session& session, ScanRequest request) : parts_(std::make_unique<Parts>(session, std::move(request))) {}

Scan::~Scan() = default;

std::optional<DataMessage> Scan::next() {
  constexpr Duration look_again = 1s;
  Patience patience = parts_->session.patience();
  while (!over()) {
    if (parts_->fetch(look_again, patience)) return parts_->take();
    if (!over() && patience.left() == Duration(0)) patience.again(parts_->session.what("read it"), false);
  }
  return std::nullopt;
}

std::optional<DataMessage> Scan::next(Duration wait) {
  Patience patience = parts_->session.patience();
  return parts_->fetch(wait, patience) ? std::optional(parts_->take()) : std::nullopt;
}

bool Scan::wait(Duration wait) {
  Patience patience = parts_->session.patience(std::min(wait, brief_patience));
  try {
    return parts_->fetch(wait, patience);
  } catch (const Error& error) {
    // The servers may be back in time for the next call. next() says if they are not.
    if (error.code() != ErrorCode::busy && error.code() != ErrorCode::io) throw;
    return false;
  }
}

bool Scan::at_tail() {
  Parts& parts = *parts_;
  Patience patience = parts.session.patience();
  for (;;) {
    if (parts.fetch(0ms, patience)) return false;
    const JetStreamInfo info = ask(parts.session, patience);
    if (parts.consumer && parts.consumer->leader() != info.leader) {
      parts.consumer.reset();
      continue;
    }
    parts.leader_known_at = Steady::now();
    if (info.last_sequence <= parts.read) return true;
    if (parts.fetch(longest_wait, patience, info.last_sequence)) return false;
    if (parts.read >= info.last_sequence) return true;
    if (parts.consumer && parts.consumer->leader() == info.leader && parts.consumer->is_at_end()) {  // it was trimmed
      parts.read = std::max(parts.read, info.last_sequence);
      return true;
    }
    if (patience.left() == Duration(0)) patience.again(parts.session.what("read it"), false);
  }
}

bool Scan::over() const {
  return parts_->over();
}

std::uint64_t Scan::position() const {
  return parts_->ready ? parts_->ready->sequence : parts_->read + 1;
}

Timestamp Scan::servers_now() {
  Patience patience = parts_->session.patience();
  if (!parts_->consumer) parts_->make(patience);
  return std::max(parts_->newest, parts_->consumer->servers_now());
}

void ShardEnds::refresh(Session& session) {
  const Control& control = session.control();
  for (const auto& [shard, sequence] : control.ends) ends_.insert_or_assign(shard, sequence);
  if (!control.intent) return;
  const std::string what = session.what("read the ends of its shards");
  Patience patience = session.patience();
  for (const ReshardStep& step : control.intent->steps) {
    for (const ShardId shard : step.closes) {
      const std::string subject = session.names().data_subject(control.intent->epoch, shard, end_of_shard);
      // Not the last one: there may be several, and the first one counts.
      const std::uint64_t first = control.trimmed.sequence + 1;
      const auto answer = patience.insist(what, [&](Duration wait) {
        return session.js().next_on(session.names().data_stream(), subject, first, wait);
      });
      if (const auto* const refused = std::get_if<Refusal>(&answer)) {
        if (refused->code != refusal::no_message) throw error_of(what, *refused);
      } else {
        ends_.emplace(shard, std::get<KeptMessage>(answer).sequence);
      }
    }
  }
}

void ShardEnds::note(const DataMessage& message) {
  ends_.emplace(message.shard, message.sequence);
}

std::optional<std::uint64_t> ShardEnds::of(ShardId shard) const {
  const auto found = ends_.find(shard);
  return found == ends_.end() ? std::nullopt : std::optional(found->second);
}

bool ShardEnds::is_void(const DataMessage& message) const {
  const auto end = of(message.shard);
  return !message.is_end() && end && message.sequence > *end;
}

}  // namespace shardlog::nats
