#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"
#include "shardlog/nats/connection.h"
#include "shardlog/nats/outage.h"

/// The part of JetStream's API that this engine needs, one try a call (NATS documentation, "JetStream wire API").
namespace shardlog::nats {

// What becomes of a request.

/// A server refused it: nothing happened.
struct Refusal {
  int code = 0;  ///< JetStream's err_code, 10071 for instance; 0 if there is none
  std::string text{};
};
/// Nobody was there to answer, or there is no leader: nothing happened.
struct Unavailable {};
/// No answer came in time, or one that leaves it open: it may have happened.
struct NoAnswer {};

template <typename Result>
using Answer = std::variant<Result, Refusal, Unavailable, NoAnswer>;

namespace refusal {
// The next three are Unavailable.
constexpr int incomplete = 10004;  ///< not every server has answered
constexpr int no_leader = 10008;   ///< the cluster has none
constexpr int not_leader = 10009;  ///< the server that was asked no longer is one
/// NoAnswer: a server has lost its place, and begins anew; others may have stored it.
constexpr int lost_place = 10063;

constexpr int no_peers = 10005;  ///< too few servers that run, or that have room, for a new stream
constexpr int no_message = 10037;
constexpr int duplicate_id = 10045;
constexpr int storage_full = 10047;
constexpr int insufficient_resources = 10023;
constexpr int name_in_use = 10058;  ///< with another configuration
constexpr int no_stream = 10059;
constexpr int wrong_last_sequence = 10071;
constexpr int store_failed = 10077;  ///< "maximum messages per subject exceeded", for instance
}  // namespace refusal

struct JetStreamConfig {
  std::string name{};
  std::vector<std::string> subjects{};
  int replicas = 3;
  std::int64_t most_per_subject = -1;    ///< -1: no bound
  bool refuse_more_per_subject = false;  ///< a message over that bound is refused; otherwise the oldest goes
  Duration duplicate_window = std::chrono::minutes(2);
  Duration max_age{0};  ///< 0: for ever; otherwise at least as long as duplicate_window, which is cut to it
  std::string description{};
  std::map<std::string, std::string> metadata{};  ///< kept in the description: servers before 2.10 know no other place
};

struct JetStreamInfo {
  JetStreamConfig config;
  Timestamp created{};
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  Timestamp last_time{};                          ///< of the last message; the epoch if there was none
  std::map<std::string, std::uint64_t> subjects;  ///< how many messages each has, if they were asked for
  std::string leader;                             ///< the name of a server; empty if there is none, and no cluster
  Duration heard{0};                              ///< how long ago the leader last heard from most of the servers
};

struct Published {
  std::uint64_t sequence = 0;
  bool duplicate = false;  ///< its Nats-Msg-Id was stored before, with this sequence
};

/// A message as a JetStream stream keeps it.
struct KeptMessage {
  std::string subject;
  std::uint64_t sequence = 0;
  Timestamp time{};  ///< of the leader, when it came
  Headers headers{};
  std::string data{};

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

class JetStream {
 public:
  /// The connection must outlive it.
  explicit JetStream(Connection& connection) : connection_(connection) {}

  [[nodiscard]] Connection& connection() { return connection_; }

  Answer<JetStreamInfo> create(const JetStreamConfig& config, Duration wait);
  Answer<JetStreamInfo> update(const JetStreamConfig& config, Duration wait);
  /// A leader that has just been woken from a pause does not know yet that there is another one, and tells what was
  /// true before. So one that has not heard from the others for longer than a pause that they would tolerate counts as
  /// none: Unavailable.
  Answer<JetStreamInfo> info(const std::string& stream, Duration wait, const std::string& subjects_filter = {});
  Answer<bool> remove(const std::string& stream, Duration wait);
  /// The names of all streams that begin with `prefix`, in order.
  Answer<std::vector<std::string>> names(const std::string& prefix, Duration wait);

  /// Removes the messages before `sequence` (0: all) on the subjects that match `filter` (empty: on all).
  Answer<std::uint64_t> purge(const std::string& stream, const std::string& filter, std::uint64_t sequence,
                              Duration wait);

  // The next two ask the leader. Refusal no_message: there is none.
  Answer<KeptMessage> get(const std::string& stream, std::uint64_t sequence, Duration wait);
  Answer<KeptMessage> last_on(const std::string& stream, const std::string& subject, Duration wait);
  /// The first one from `sequence` on whose subject matches `filter`.
  Answer<KeptMessage> next_on(const std::string& stream, const std::string& filter, std::uint64_t sequence,
                              Duration wait);

  /// How long to wait for the answer to a message of so many bytes. A large one takes longer to reach most servers.
  static Duration wait_for(std::size_t bytes);

  Answer<Published> publish(const std::string& subject, const Headers& headers, std::string_view data, Duration wait);
  /// Reads the answer to a message that was published with an Inbox as its reply.
  static Answer<Published> published(const Message& answer);

  /// Asks any API subject, "STREAM.INFO.x" for instance, with a JSON body, and returns the JSON of the answer.
  Answer<std::string> call(const std::string& api, std::string_view json, Duration wait);

 private:
  template <typename Result>
  Answer<Result> unanswered(const std::string& subject);
  /// Notes that it is made, if it is.
  Answer<JetStreamInfo> noted(Answer<JetStreamInfo> answer, const std::string& stream);
  /// Asks what must not be asked of a stream that is being made. A server of 2.9 answers as soon as it leads, perhaps
  /// before it has a place for messages, and then it crashes (a nil `store`). It survives to be asked whether it is
  /// made, so that is asked first. Otherwise a question that came late to one server could meet the creation that
  /// followed the answer of another one.
  Answer<std::string> call_made(const std::string& api, const std::string& stream, std::string_view json,
                                Duration wait);

  Connection& connection_;
  std::set<std::string> made_;  ///< streams that were, when last heard of
};

/// What came of trying again until `deadline`. A pause and a fresh `wait` come with each try.
class Patience {
 public:
  /// `outage`, if any, is told of tries without an answer, and has to outlive it.
  Patience(const Clock& clock, Duration timeout, Outage* outage = nullptr);

  /// The same, for a step of something larger: an outage is not over when only this step succeeds.
  [[nodiscard]] Patience for_a_step() const;

  /// Calls `ask(wait)` until its Answer is a result or a refusal, and returns that. When the time is up throws busy if
  /// no try was without an answer, else io. `what` begins the message: "orders: read the shard map".
  template <typename Ask>
  auto insist(const std::string& what, Ask&& ask);

  [[nodiscard]] Duration left() const;
  /// Throws as insist() if time is up, else waits a little. `unknown`: a try was without an answer.
  void again(const std::string& what, bool unknown);
  /// The same after a refusal that may not be the last word. The Error says what was refused last.
  void refused(const std::string& what, const Refusal& refusal);

 private:
  const Clock& clock_;
  Duration until_;
  Duration pause_;
  Outage* outage_;
  bool is_step_ = false;
  bool unknown_ = false;
  std::string refusal_{};  ///< what the last try was refused for
};

/// The Error of a refusal: full, not_found, exists, permission, busy (too few servers run), io. `what` begins its
/// message.
Error error_of(const std::string& what, const Refusal& refusal);

template <typename Ask>
auto Patience::insist(const std::string& what, Ask&& ask) {
  constexpr Duration most_for_a_try = std::chrono::seconds(1);
  const Duration begun = outage_ != nullptr ? clock_.elapsed() : Duration(0);
  for (;;) {
    auto answer = ask(most_for_a_try);
    const bool unknown = std::holds_alternative<NoAnswer>(answer);
    if (!unknown && !std::holds_alternative<Unavailable>(answer)) {
      if (outage_ != nullptr && !is_step_) outage_->answered();
      return answer;
    }
    if (outage_ != nullptr) outage_->unanswered_for(clock_.elapsed() - begun);
    again(what, unknown);
  }
}

}  // namespace shardlog::nats
