#include "shardlog/nats/shard_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/resharder.h"
#include "shardlog/nats/scan.h"

namespace shardlog::nats {

namespace {

constexpr Duration pause = std::chrono::milliseconds(100);  ///< after a try that found nobody
constexpr Duration least_to_confirm = std::chrono::seconds(2);
constexpr int vain_looks = 5;  ///< after so many, the data stream may have lost its subjects

/// Whether the error says that servers were out of reach.
bool is_outage(const Error& error) {
  return error.code() == ErrorCode::busy || error.code() == ErrorCode::io;
}

}  // namespace

const Shard& shard_of(const Control& control, ShardId id) {
  const auto found = std::ranges::lower_bound(control.shards, id, {}, &Shard::id);
  if (found != control.shards.end() && found->id == id) return *found;
  throw Error(ErrorCode::internal, "shard map: it does not have " + id.to_string());
}

std::optional<std::uint64_t> end_of(const Control& control, const Shard& shard) {
  if (shard.open()) return std::nullopt;
  const auto end = control.ends.find(shard.id);
  return end == control.ends.end() ? 0 : end->second;  // one that was opened and closed at once has nothing
}

bool may_be_trimmed(const Control& control, ShardId shard, std::uint64_t floor) {
  const auto trimmed = control.trimmed.shards.find(shard);
  return trimmed != control.trimmed.shards.end() && trimmed->second.sequence > floor;
}

const Control& read_settled(Session& session, const Patience& patience) {
  session.refresh(patience);
  while (session.control().intent) finish_intent(session, patience);
  return session.control();
}

/// One call of publish().
class ShardPublisher::Run {
 public:
  Run(ShardPublisher& publisher, std::span<const Outgoing> messages, const PartTerms* terms, const Patience& patience)
      : publisher_(publisher),
        session_(publisher.session_),
        clock_(session_.clock()),
        messages_(messages),
        terms_(terms),
        patience_(patience.for_a_step()),
        floor_(publisher.floor()),
        first_(publisher.sent_),
        fates_(messages.size()),
        lane_of_(messages.size()) {
    publisher_.sent_ += messages.size();
    std::map<ShardId, std::size_t> lanes;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto [lane, is_new] = lanes.try_emplace(messages[i].shard, lanes_.size());
      if (is_new) lanes_.emplace_back();
      lane_of_[i] = lane->second;
      lanes_[lane->second].messages.push_back(i);
    }
    if (terms == nullptr) return;
    for (Lane& lane : lanes_) lane.expected = terms->expected.at(messages[lane.messages.front()].shard);
  }

  std::vector<Fate> operator()() {
    unfinished_ = lanes_.size();
    go_on();
    while (unfinished_ > 0 && !is_over_) {
      if (auto message = publisher_.inbox_->next(until_due())) {
        take(*message);
        while (auto more = publisher_.inbox_->next(Duration(0))) take(*more);
      }
      for (Lane& lane : lanes_) {
        if (lane.done() || lane.waits || clock_.elapsed() < lane.due) continue;
        session_.outage().unanswered_for(clock_.elapsed() - lane.begun);
        again(lane);
      }
      go_on();
      if (std::exchange(must_look_, false)) look_at_control();
      if (patience_.left() <= Duration(0)) is_over_ = true;
    }
    give_up();
    confirm();
    return std::move(fates_);
  }

 private:
  /// The messages for a shard, one after another.
  struct Lane {
    std::vector<std::size_t> messages{};      ///< by their indexes
    std::size_t at = 0;                       ///< in `messages`: the one that is in flight
    std::optional<std::uint64_t> expected{};  ///< the last message of its subject
    // Of that message:
    std::uint64_t epoch = 0;  ///< that it was sent to
    std::uint64_t tries = 0;
    bool waits = true;         ///< it was not sent yet: those before it come first
    bool in_flight = false;    ///< the last try may be answered yet
    bool unanswered = false;   ///< a try was not answered: it may be stored, or be so yet
    Duration begun{0};         ///< by Clock::elapsed(): since when servers should have stored it
    Duration due{0};           ///< by Clock::elapsed(): when to do something
    Duration absent_since{0};  ///< by Clock::since_boot(): it was not stored then

    [[nodiscard]] bool done() const { return at >= messages.size(); }
    [[nodiscard]] std::size_t message() const { return messages[at]; }
  };

  [[nodiscard]] std::string_view producer() const { return terms_ != nullptr ? terms_->producer : no_producer; }
  [[nodiscard]] ShardId shard(const Lane& lane) const { return messages_[lane.messages.front()].shard; }

  /// Sends what may be sent. Messages are sent in their order, also those to different shards, so that they come back
  /// in it unless one has to be sent again.
  void go_on() {
    for (; next_ < messages_.size() && !is_over_; ++next_) {
      Lane& lane = lanes_[lane_of_[next_]];
      if (lane.done()) continue;  // it ended before
      if (lane.message() != next_) return;
      begin(lane);
    }
  }

  /// Goes on with the next message of the lane.
  void begin(Lane& lane) {
    lane.waits = false;
    lane.tries = 0;
    lane.begun = clock_.elapsed();
    lane.absent_since = terms_ != nullptr ? terms_->claimed_at : clock_.since_boot();
    if (!shard_of(session_.control(), shard(lane)).open()) return finish(lane, Sealed{}, Sealed{});
    send(lane);
  }

  void send(Lane& lane) {
    const std::size_t index = lane.message();
    const Outgoing& message = messages_[index];
    lane.epoch = session_.control().epoch;
    ++lane.tries;
    Headers headers = message.headers;
    headers.emplace_back(id_header, message.id);
    if (lane.expected) headers.emplace_back("Nats-Expected-Last-Subject-Sequence", std::to_string(*lane.expected));
    const std::string reply = publisher_.inbox_->subject(fmt::format("{}-{}", first_ + index, lane.tries));
    const std::string subject = session_.names().data_subject(lane.epoch, message.shard, producer());
    lane.in_flight = session_.js().connection().publish(subject, reply, headers, message.payload);
    lane.due = clock_.elapsed() + (lane.in_flight ? JetStream::wait_for(message.payload.size()) : pause);
  }

  /// Nothing came of the last try.
  void again(Lane& lane) {
    check_permission();
    lane.unanswered = lane.unanswered || lane.in_flight;
    lane.in_flight = false;
    const Duration now = clock_.since_boot();
    if (now - lane.absent_since > session_.address().duplicate_window / 2) {
      if (terms_ != nullptr) return interrupt(lane);
      if (lane.unanswered) {
        const auto last = settled(lane);
        if (!last) return;
        if (const auto sequence = find(lane, *last + 1)) return stored(lane, *sequence);
        if (is_over_ || was_trimmed(lane)) return;
      }
      lane.absent_since = now;
    }
    send(lane);
  }

  void take(const Message& answer) {
    const std::string_view token = publisher_.inbox_->token_of(answer);
    const std::size_t dash = std::min(token.find('-'), token.size());
    const auto number = parse_number<std::uint64_t>(token.substr(0, dash));
    const auto tried = parse_number<std::uint64_t>(token.substr(std::min(dash + 1, token.size())));
    if (!number || !tried || *number < first_ || *number - first_ >= messages_.size()) return;  // of an earlier call
    const std::size_t index = *number - first_;
    Lane& lane = lanes_[lane_of_[index]];
    if (lane.done() || lane.waits || lane.message() != index) return;
    const auto result = JetStream::published(answer);
    if (const auto* const published = std::get_if<Published>(&result)) {
      return stored(lane, published->sequence);  // however late, and whichever try it is for
    }
    if (!lane.in_flight || *tried != lane.tries) return;  // only the last try says how things are
    if (const auto* const refusal = std::get_if<Refusal>(&result)) return refused(lane, *refusal);
    lane.in_flight = false;
    lane.due = clock_.elapsed() + pause;
    if (std::holds_alternative<NoAnswer>(result)) {
      lane.unanswered = true;
    } else {
      must_look_ = true;
    }
  }

  void stored(Lane& lane, std::uint64_t sequence) {
    session_.outage().answered();
    fates_[lane.message()] = StoredAt{sequence, clock_.now()};
    if (lane.expected) lane.expected = sequence;
    ++lane.at;
    lane.waits = true;
    lane.in_flight = lane.unanswered = false;
    if (lane.done()) --unfinished_;
    go_on();
  }

  void refused(Lane& lane, const Refusal& refusal) {
    lane.in_flight = false;
    if (refusal.code == refusal::no_stream) {  // the control message says whether it was removed
      lane.due = clock_.elapsed() + pause;
      must_look_ = true;
    } else if (terms_ != nullptr) {
      interrupt(lane);
    } else if (lane.unanswered) {
      finish(lane, Unknown{"a try got no answer, and another one was refused: " + refusal.text},
             NotStored{refusal.text});
    } else {
      finish(lane, refusal, refusal);
    }
  }

  /// Ends a lane: the fates of its message and of those after it.
  void finish(Lane& lane, const Fate& fate, const Fate& others) {
    for (bool is_first = true; !lane.done(); ++lane.at, is_first = false) {
      fates_[lane.message()] = is_first ? fate : others;
    }
    --unfinished_;
  }

  /// Of parts, whose producer looks for them.
  void interrupt(Lane& lane) { finish(lane, Unknown{"interrupted"}, Unknown{"interrupted"}); }

  void give_up() {
    const std::string reason = "no answer from the servers of NATS" + (error_.empty() ? error_ : ": " + error_);
    for (Lane& lane : lanes_) {
      if (lane.done()) continue;
      if (lane.in_flight || lane.unanswered) {
        finish(lane, Unknown{reason}, NotStored{reason});
      } else {
        finish(lane, NotStored{"NATS is not available"}, NotStored{"NATS is not available"});
      }
    }
  }

  /// After a message found nobody who takes it: its shard was closed, or there is an outage.
  void look_at_control() {
    try {
      read_settled(session_, patience_);
      const std::uint64_t epoch = session_.control().epoch;
      const auto is_behind = [epoch](const Lane& lane) { return !lane.done() && !lane.waits && lane.epoch != epoch; };
      if (std::ranges::none_of(lanes_, is_behind)) {
        if (++looks_ % vain_looks == 0) set_subjects(session_, patience_);
        return;
      }
      for (Lane& lane : lanes_) {
        if (is_behind(lane)) follow(lane);
      }
    } catch (const Error& error) {
      if (!is_outage(error)) throw;
      is_over_ = true;
    }
  }

  /// A new epoch has begun since the lane's message was sent.
  void follow(Lane& lane) {
    if (terms_ != nullptr) return interrupt(lane);
    lane.begun = clock_.elapsed();
    lane.unanswered = lane.unanswered || lane.in_flight;
    lane.in_flight = false;
    const auto end = end_of(session_.control(), shard_of(session_.control(), shard(lane)));
    if (!end) return again(lane);
    if (lane.unanswered) {
      if (const auto sequence = find(lane, *end)) return stored(lane, *sequence);
      if (is_over_ || was_trimmed(lane)) return;
    }
    finish(lane, Sealed{}, Sealed{});
  }

  /// Whether the lane's message, which was not found, may have been removed. Then nothing says any more whether it was
  /// stored, and the lane is finished.
  bool was_trimmed(Lane& lane) {
    try {
      session_.refresh(patience_);  // after the look: what was removed before that is in it
    } catch (const Error& error) {
      if (!is_outage(error)) throw;
      is_over_ = true;
      return true;
    }
    if (!may_be_trimmed(session_.control(), shard(lane), floor_)) return false;
    finish(lane, Unknown{"no answer from the servers of NATS: it may have been stored, and removed since"},
           NotStored{"what came before it may not be stored"});
    return true;
  }

  /// Up to where to look for the lane's message. Nullopt: look again a little later.
  std::optional<std::uint64_t> settled(Lane& lane) {
    constexpr Duration wait = std::chrono::seconds(1);
    const auto answer = settled_sequence(
        session_, session_.names().data_subject(session_.control().epoch, shard(lane), producer()), wait);
    if (const auto* const sequence = std::get_if<std::uint64_t>(&answer)) return *sequence;
    must_look_ = !std::holds_alternative<NoAnswer>(answer);
    lane.due = clock_.elapsed() + pause;
    return std::nullopt;
  }

  /// Looks for the lane's message in its shard, before the message `end`.
  std::optional<std::uint64_t> find(const Lane& lane, std::uint64_t end) {
    const std::string& id = messages_[lane.message()].id;
    const std::uint64_t from = floor_ + 1;
    if (end <= from) return std::nullopt;
    const ScanRequest request{.from = from,
                              .until = end - 1,
                              .shards = {shard(lane)},
                              .producer = std::string(producer()),
                              .headers_only = true};
    try {
      Scan scan(session_, request);
      while (const auto message = scan.next()) {
        if (message->id() == id) return message->sequence;
      }
    } catch (const Error& error) {
      if (!is_outage(error)) throw;
      is_over_ = true;
    }
    return std::nullopt;
  }

  /// Reads the control message after everything was acknowledged.
  void confirm() {
    const auto is_stored = [](const Fate& fate) { return std::holds_alternative<StoredAt>(fate); };
    if (std::ranges::none_of(fates_, is_stored)) return;
    try {
      read_settled(session_, session_.patience(std::max(patience_.left(), least_to_confirm)));
    } catch (const Error& error) {
      if (!is_outage(error)) throw;
      for (Fate& fate : fates_) {
        if (is_stored(fate)) fate = Unknown{"it is stored, but perhaps after the end of its shard: " + text_of(error)};
      }
      return;
    }
    for (std::size_t i = 0; i < fates_.size(); ++i) {
      const auto* const stored = std::get_if<StoredAt>(&fates_[i]);
      if (stored == nullptr) continue;
      const auto end = end_of(session_.control(), shard_of(session_.control(), messages_[i].shard));
      if (end && stored->sequence >= *end) {
        fates_[i] = Sealed{};
      } else {
        publisher_.floor_ = std::max(publisher_.floor_.value_or(0), stored->sequence);
      }
    }
  }

  static std::string text_of(const Error& error) { return error.what(); }

  /// Servers do not answer what they do not permit.
  void check_permission() {
    std::string error = session_.js().connection().take_error();
    if (error.empty()) return;
    error_ = std::move(error);
    const auto is_stored = [](const Fate& fate) { return std::holds_alternative<StoredAt>(fate); };
    const bool is_denied = error_.find("ermission") != std::string::npos || error_.find("uthoriz") != std::string::npos;
    if (is_denied && std::ranges::none_of(fates_, is_stored)) {
      throw Error(ErrorCode::permission, session_.what("append") + ": " + error_);
    }
  }

  [[nodiscard]] Duration until_due() const {
    Duration due = clock_.elapsed() + patience_.left();
    for (const Lane& lane : lanes_) {
      if (!lane.done() && !lane.waits) due = std::min(due, lane.due);
    }
    return std::max(due - clock_.elapsed(), Duration(0));
  }

  ShardPublisher& publisher_;
  Session& session_;
  const Clock& clock_;
  std::span<const Outgoing> messages_;
  const PartTerms* terms_;
  const Patience patience_;
  std::uint64_t floor_;  ///< of the publisher, before anything was sent
  std::uint64_t first_;  ///< the number of the first message
  std::vector<Fate> fates_;
  std::vector<std::size_t> lane_of_;  ///< of each message
  std::vector<Lane> lanes_;
  std::size_t next_ = 0;        ///< the first message that was not sent yet
  std::size_t unfinished_ = 0;  ///< lanes
  bool must_look_ = false;      ///< at the control message
  int looks_ = 0;               ///< at it, in vain
  bool is_over_ = false;        ///< time is up
  std::string error_;           ///< what the connection told last
};

ShardPublisher::ShardPublisher(Session& session) : session_(session) {}
ShardPublisher::~ShardPublisher() = default;

std::vector<Fate> ShardPublisher::publish(std::span<const Outgoing> messages, const Patience& patience) {
  return run(messages, nullptr, patience);
}

std::vector<Fate> ShardPublisher::publish(std::span<const Outgoing> parts, const PartTerms& terms,
                                          const Patience& patience) {
  return run(parts, &terms, patience);
}

std::vector<Fate> ShardPublisher::run(std::span<const Outgoing> messages, const PartTerms* terms,
                                      const Patience& patience) {
  floor();
  if (!inbox_) inbox_ = std::make_unique<Inbox>(session_.js().connection());
  return Run(*this, messages, terms, patience)();
}

std::uint64_t ShardPublisher::floor() {
  try {
    if (!floor_) floor_ = last_sequence(session_);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    throw Error(ErrorCode::busy, error.what());  // nothing was sent
  }
  floor_ = std::max(*floor_, session_.control().trimmed.sequence);
  return *floor_;
}

}  // namespace shardlog::nats
