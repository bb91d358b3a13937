#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/kinesis/arn.h"
#include "tools/stream-serve/api/refusal.h"
#include "tools/stream-serve/api/type.h"
#include "tools/stream-serve/streams/account_settings.h"
#include "tools/stream-serve/streams/catalogue.h"
#include "tools/stream-serve/streams/subscriptions.h"
#include "tools/stream-serve/streams/throttle.h"
#include "tools/stream-serve/streams/transitions.h"
#include "tools/stream-serve/wire/value.h"
#include "tools/stream-serve/wire/writer.h"

namespace shardlog::serve::api {

/// What all actions stand on.
struct Environment {
  Catalogue& catalogue;
  const Clock& clock;
  std::stop_token stop;       ///< records wait for capacity no longer, and shards change no further
  std::uint32_t shard_limit;  ///< open shards of all streams together
  Subscriptions& subscriptions;
  AccountSettings& account_settings;
  Transitions& transitions;
  Throttle* throttle;                              ///< nullptr: nothing is throttled
  std::function<void(const std::string&)> report;  ///< told of what fails through no fault of a client
};

/// What an action needs of the stream that it is about, as long as a Transition makes a difference.
enum class Needs {
  nothing,
  created,  ///< a stream that is being created is not there
  active,   ///< it changes the stream, which is being updated then
};

/// One call of an action.
struct Call {
  const Environment& environment;
  kinesis::Account account;  ///< region of the request's signature
  const wire::Value& input;  ///< checked
  wire::Writer& output;
  wire::Form form;          ///< of both
  std::string_view action;  ///< its name
  Needs needs;
  std::size_t room;  ///< for the answer, in bytes; only an action with a large answer has to keep to it
  std::shared_ptr<http::Feed> events{};  ///< set by an action that answers with an event stream
};

/// An action of the API, and the constraints of its request. Writes its answer. What it has written is dropped if it
/// refuses. Throws what the streams throw.
struct Action {
  std::string_view name;
  std::vector<Member> members;  ///< of the request, in the order in which faults are reported
  Check (*run)(Call& call);
  bool answers = true;  ///< false: a success has an empty body
  Needs needs = Needs::nothing;
  bool is_large = false;  ///< its answer may be so large that memory is taken for it first
};

/// The largest answer: 10 MiB of records in base64, with what belongs to them.
constexpr std::size_t largest_answer = 16UL * 1024 * 1024;

/// The actions there are.
std::vector<Action> actions();

}  // namespace shardlog::serve::api
