#include "shardlog/nats/nats_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/uuid.h"
#include "shardlog/nats/nats_stream.h"
#include "shardlog/nats/removal.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

namespace {

constexpr Duration timeout_without_options = std::chrono::seconds(30);

Address address_of_stream(const std::string& text) {
  Address address = parse_address(text);
  if (address.stream.empty()) throw Error(ErrorCode::usage, "nats: the address names no stream; add /NAME");
  return address;
}

void check(const CreateOptions& options) {
  const Capabilities& can = capabilities();
  require(!options.group, "--group", can);
  require(options.settings.limits == capacity::Limits(), "--limits", can);
  shardlog::check(options.settings);
  shardlog::check(options.attributes);
  if (options.shards >= 1 && options.shards <= max_shards) return;
  throw Error(ErrorCode::usage, fmt::format("{} shards: a stream has 1 to {}", options.shards, max_shards));
}

class Creation {
 public:
  Creation(const Address& address, const CreateOptions& options, const Clock& clock)
      : address_(address),
        clock_(clock),
        connection_(address.servers, timeout_without_options),
        js_(connection_),
        patience_(clock, timeout_without_options),
        what_("create " + described(address.stream)),
        uuid_(make_uuid()),
        names_(address.stream, uuid_) {
    control_.uuid = uuid_;
    control_.settings = options.settings;
    control_.attributes = options.attributes;
    control_.epoch = 1;
    check_payload(connection_, options.settings.max_record_size, what_);
  }

  void run(std::uint32_t shards) {
    const auto newest = read_control_message(js_, names_.name(), patience_);
    if (newest && newest->sequence > 0 && !is_tombstone(*newest)) refuse_as_taken();
    // First, so that whatever a creation leaves that is cut off is found by it.
    make(control_stream());
    made_at_ = make(data_stream());
    made_elapsed_ = clock_.elapsed();
    make(producer_stream());
    control_.created_at = made_at_;
    for (const HashRange& range : even_ranges(shards)) {
      control_.shards.push_back({ShardId(static_cast<std::uint32_t>(control_.shards.size())), range, made_at_});
    }
    claim();
    complete();
  }

 private:
  [[noreturn]] void refuse_as_taken() const { throw Error(ErrorCode::exists, what_ + ": the name is taken"); }

  [[nodiscard]] JetStreamConfig config(std::string name, std::string subject) const {
    JetStreamConfig config{std::move(name), {std::move(subject)}};
    config.replicas = address_.replicas;
    return config;
  }
  [[nodiscard]] JetStreamConfig control_stream() const {
    JetStreamConfig result = config(names_.control_stream(), names_.control_subject());
    result.most_per_subject = kept_control_messages;
    return result;
  }
  [[nodiscard]] JetStreamConfig data_stream() const {
    JetStreamConfig result = config(names_.data_stream(), names_.data_subjects(control_.epoch));
    result.duplicate_window = address_.duplicate_window;
    return result;
  }
  [[nodiscard]] JetStreamConfig producer_stream() const {
    JetStreamConfig result = config(names_.producer_stream(), names_.producer_subjects());
    result.most_per_subject = 1;
    result.refuse_more_per_subject = true;
    return result;
  }

  /// Makes it unless it is there. Returns when it was made, by the clock of the server; the epoch if it was there.
  Timestamp make(const JetStreamConfig& config) {
    const auto answer = patience_.insist(what_, [&](Duration wait) { return js_.create(config, wait); });
    if (const auto* const info = std::get_if<JetStreamInfo>(&answer)) return info->created;
    const auto& refused = std::get<Refusal>(answer);
    if (refused.code == refusal::name_in_use) return {};
    const Error error = error_of(what_, refused);
    if (error.code() != ErrorCode::io) throw error;
    const std::string hint =
        config.replicas > 1 ? fmt::format("; {} servers are needed, or ?replicas=1 in the address", config.replicas)
                            : "";
    throw Error(ErrorCode::cannot_create, error.what() + hint);
  }

  /// Writes the first control message: from then on the stream is there.
  void claim() {
    for (;;) {
      const auto newest = read_control_message(js_, names_.name(), patience_);
      if (!newest) {  // the removal of another one has ended
        make(control_stream());
      } else if (newest->sequence > 0 && !is_tombstone(*newest)) {
        give_way();
      } else if (newest->sequence > 0 && servers_now() < newest->time + old_tombstone) {
        wait_for_removal();
      } else if (claim_after(newest->sequence)) {
        return;
      }
    }
  }

  bool claim_after(std::uint64_t sequence) {
    try {
      return replace_control(js_, names_.name(), control_, sequence, patience_).has_value();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
      return false;  // the control stream was removed meanwhile
    }
  }

  [[nodiscard]] Timestamp servers_now() const { return made_at_ + (clock_.elapsed() - made_elapsed_); }

  /// Whoever wrote the tombstone may still remove the control stream, or was killed.
  void wait_for_removal() {
    constexpr Duration needed_to_end = std::chrono::seconds(5);
    if (patience_.left() < needed_to_end) {
      remove_own();
      throw Error(ErrorCode::busy, what_ + ": the one that had the name is still being removed; try again in a minute");
    }
    patience_.again(what_, false);
  }

  [[noreturn]] void give_way() {
    remove_own();
    refuse_as_taken();
  }

  void remove_own() {
    remove_one(js_, names_.data_stream(), what_, patience_);
    remove_one(js_, names_.producer_stream(), what_, patience_);
  }

  /// If this process was stopped for long, somebody may have taken its streams for left over.
  void complete() {
    make(data_stream());
    make(producer_stream());
    try {
      static_cast<void>(js_.update(control_stream(), std::chrono::seconds(1)));  // another creation may have made it
      sweep(js_, names_.name(), uuid_, servers_now(), patience_);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the stream is there; the next creation or removal sweeps
    }
  }

  const Address& address_;
  const Clock& clock_;
  Connection connection_;
  JetStream js_;
  Patience patience_;
  std::string what_;
  std::string uuid_;
  Names names_;
  Control control_;
  Timestamp made_at_{};       ///< by the clock of a server
  Duration made_elapsed_{0};  ///< by the clock of this process
};

/// The address of a stream of the servers of `address`, which names none.
std::string address_below(std::string_view address, const std::string& name) {
  const std::size_t end = std::min(address.find('?'), address.size());
  std::string below(address.substr(0, end));
  while (below.ends_with('/')) below.pop_back();
  below += below.ends_with(':') ? name : "/" + name;
  return below.append(address.substr(end));
}

}  // namespace

const Capabilities& NatsEngine::capabilities() const {
  return nats::capabilities();
}

void NatsEngine::create(const std::string& text, const CreateOptions& options, const Clock& clock) {
  const Address address = address_of_stream(text);
  check(options);
  Creation(address, options, clock).run(options.shards);
}

std::unique_ptr<Stream> NatsEngine::open(const std::string& text, const OpenOptions& options, const Clock& clock) {
  return std::make_unique<NatsStream>(address_of_stream(text), options, clock);
}

std::vector<std::string> NatsEngine::list(const std::string& text) {
  const Address address = parse_address(text);
  if (!address.stream.empty())
    throw Error(ErrorCode::not_found, "list " + quote(address.to_string()) + ": that is one stream");
  const SystemClock clock;
  Connection connection(address.servers, timeout_without_options);
  JetStream js(connection);
  Patience patience(clock, timeout_without_options);
  const std::string what = "list " + quote(address.to_string());
  const auto answer = patience.insist(what, [&](Duration wait) { return js.names(std::string(control_prefix), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  std::vector<std::string> addresses;
  for (const std::string& stream : std::get<std::vector<std::string>>(answer)) {
    const std::string name = stream.substr(control_prefix.size());
    const auto newest = read_control_message(js, name, patience);
    const bool is_there = newest && newest->sequence > 0 && !is_tombstone(*newest);
    if (is_there) addresses.push_back(address_below(text, name));
  }
  return addresses;
}

void NatsEngine::remove(const std::string& text, const OpenOptions& options, const Clock& clock) {
  const Address address = address_of_stream(text);
  Outage outage(options.tell, clock);
  Connection connection(address.servers, options.timeout, &outage);
  JetStream js(connection);
  remove_all(js, address.stream, clock, Patience(clock, options.timeout, &outage));
}

}  // namespace shardlog::nats
