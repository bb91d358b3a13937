#include "shardlog/nats/session.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/nats/slots.h"

namespace shardlog::nats {

namespace {

ControlAt read_or_throw(JetStream& js, const std::string& name, const Patience& patience) {
  if (auto found = read_control(js, name, patience)) return std::move(*found);
  throw Error(ErrorCode::not_found, described(name) + ": no such stream");
}

/// Headers and the frame of a batch, beside the largest record.
constexpr std::uint64_t beside_a_record = 64UL * 1024;

const std::string& checked_name(const Address& address) {
  if (address.stream.empty()) throw Error(ErrorCode::usage, "nats: the address names no stream; add /NAME");
  return address.stream;
}

}  // namespace

/// Servers before 2.10 do not sync before they acknowledge. What is stored is in the memory of a majority: so it
/// outlasts any machine if there are several, and only a process if there is one.
Capabilities capabilities_of(int replicas, std::uint64_t max_payload) {
  Capabilities can{.engine = "nats"};
  can.survives = replicas > 1 ? Capabilities::Survives::machine_loss : Capabilities::Survives::process_end;
  can.largest_append = largest_append(max_payload);
  can.sources_per_append = 1;
  can.shortest_progress = std::chrono::seconds(1);
  can.atomic_append = can.dense_numbers = can.ordered_arrivals = can.clock_of_caller = false;
  can.keeps_arrivals = can.limits = can.groups = can.repairs = false;
  return can;
}

const Capabilities& capabilities() {
  static const Capabilities recommended = capabilities_of(3, recommended_max_payload);
  return recommended;
}

void check_payload(const Connection& connection, std::uint64_t max_record_size, const std::string& what) {
  const std::uint64_t needed = max_record_size + beside_a_record;
  if (connection.max_payload() >= needed) return;
  throw Error(ErrorCode::cannot_create,
              fmt::format("{}: the server takes messages of at most {} bytes, and a record of {} bytes needs {}; put "
                          "max_payload: 12MB into its configuration, or give a smaller maximum record size",
                          what, connection.max_payload(), max_record_size, needed));
}

Session::Session(Address address, const OpenOptions& options, const Clock& clock)
    : address_(std::move(address)),
      clock_(clock),
      timeout_(options.timeout),
      access_(options.access),
      outage_(options.tell, clock),
      connection_(address_.servers, options.timeout, &outage_),
      js_(connection_),
      state_(read_or_throw(js_, checked_name(address_), patience())),
      names_(address_.stream, state_.control.uuid) {}

const Control& Session::refresh(Patience patience) {
  for (;;) {
    if (accept(read_control_message(js_, names_.name(), patience))) return state_.control;
    patience.again(what("read its shard map"), false);
  }
}

/// False if it is older than what is known: a server that was stopped for a while does not know yet that others go on
/// without it, and one that has just become the leader may not have applied all of its log.
bool Session::accept(std::optional<KeptMessage> message) {
  // Most of the time it is the same as before, and of many shards it is large.
  if (message && message->sequence == state_.sequence && message->data == message_) return true;
  auto now = message ? decoded(*message, names_.name()) : std::nullopt;
  if (!now) throw Error(ErrorCode::not_found, what("it was removed"));
  if (now->control.uuid != uuid()) {
    throw Error(ErrorCode::not_found, what("it was removed, and another stream has its name"));
  }
  if (now->sequence < state_.sequence) return false;
  state_ = std::move(*now);
  message_ = std::move(message->data);
  return true;
}

bool Session::change(Patience patience, const std::function<bool(Control&)>& change) {
  for (;;) {
    Control desired = refresh(patience);
    if (!change(desired)) return false;
    if (const auto sequence = replace_control(js_, names_.name(), desired, state_.sequence, patience)) {
      state_ = {std::move(desired), *sequence};
      message_.clear();
      return true;
    }
    patience.again(what("change its shard map or settings"), false);
  }
}

void Session::require_writable() const {
  if (!writes()) throw Error(ErrorCode::permission, what("it was opened for reading only"));
}

std::string Session::what(std::string_view doing) const {
  return described(names_.name()) + ": " + std::string(doing);
}

}  // namespace shardlog::nats
