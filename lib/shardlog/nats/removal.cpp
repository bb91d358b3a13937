#include "shardlog/nats/removal.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "shardlog/nats/names.h"

namespace shardlog::nats {

namespace {

/// A creation that is older was cut off.
constexpr Duration longest_creation = std::chrono::minutes(10);
/// The writer of a tombstone removes the control stream within this time or not at all.
constexpr Duration longest_removal = old_tombstone / 3;

constexpr std::size_t uuid_part = 8;
constexpr std::size_t hash_digits = 16;

/// A JetStream stream that is not the control stream.
struct Part {
  std::string stream;
  std::string uuid;  ///< the first digits
};

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// What follows "SHARDLOG_D_NAME_" must be exactly U, or U and a hash: the streams of NAME_x begin like those of NAME.
bool is_part(std::string_view rest) {
  if (rest.size() < uuid_part || !is_hex(rest.substr(0, uuid_part))) return false;
  if (rest.size() == uuid_part) return true;
  return rest.size() == uuid_part + 1 + hash_digits && rest[uuid_part] == '_' && is_hex(rest.substr(uuid_part + 1));
}

std::vector<Part> parts_of(JetStream& js, const std::string& name, Patience& patience) {
  const std::string what = described(name) + ": look for its parts";
  std::vector<Part> parts;
  for (const char* const role : {"D", "P", "K", "M"}) {
    const std::string prefix = std::string("SHARDLOG_") + role + "_" + name + "_";
    const auto answer = patience.insist(what, [&](Duration wait) { return js.names(prefix, wait); });
    if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
    for (const std::string& stream : std::get<std::vector<std::string>>(answer)) {
      const std::string rest = stream.substr(prefix.size());
      if (is_part(rest)) parts.push_back({stream, rest.substr(0, uuid_part)});
    }
  }
  return parts;
}

/// Nullopt if it is gone.
std::optional<Timestamp> made_at(JetStream& js, const std::string& stream, const std::string& what,
                                 Patience& patience) {
  const auto answer = patience.insist(what, [&](Duration wait) { return js.info(stream, wait); });
  if (const auto* const info = std::get_if<JetStreamInfo>(&answer)) return info->created;
  const auto& refused = std::get<Refusal>(answer);
  if (refused.code == refusal::no_stream) return std::nullopt;
  throw error_of(what, refused);
}

bool was_cut_off(JetStream& js, const Part& part, Timestamp now, const std::string& what, Patience& patience) {
  const auto made = made_at(js, part.stream, what, patience);
  return made && *made < now - longest_creation;
}

/// What the message says; nullopt if it cannot be read.
std::optional<Control> readable(const KeptMessage& message) {
  try {
    return decode_control(message.data);
  } catch (const Error&) {
    return std::nullopt;
  }
}

class Removal {
 public:
  Removal(JetStream& js, const std::string& name, const Clock& clock, const Patience& patience)
      : js_(js), name_(name), clock_(clock), patience_(patience), what_(described(name) + ": remove it") {}

  void run() {
    const bool was_there = bury();
    remove_parts();
    remove_control_stream();
    if (!was_there) throw Error(ErrorCode::not_found, described(name_) + ": no such stream");
  }

 private:
  /// Writes the tombstone. Returns whether there was a stream.
  bool bury() {
    for (;;) {
      const auto newest = read_control_message(js_, name_, patience_);
      if (!newest) throw Error(ErrorCode::not_found, described(name_) + ": no such stream");
      const bool is_empty = newest->sequence == 0;
      const auto control = is_empty ? std::nullopt : readable(*newest);
      Control tombstone;
      tombstone.removed = true;
      if (control) tombstone.uuid = control->uuid;
      began_ = clock_.elapsed();
      if (const auto stored = replace_control(js_, name_, tombstone, newest->sequence, patience_)) {
        uuid_ = tombstone.uuid.substr(0, uuid_part);
        sequence_ = *stored;
        is_unreadable_ = !is_empty && !control;
        return !is_empty && !(control && control->removed);
      }
      patience_.again(what_, false);
    }
  }

  void remove_parts() {
    const Timestamp now = tombstone_time();
    for (const Part& part : parts_of(js_, name_, patience_)) {
      const bool goes = is_unreadable_ || part.uuid == uuid_ || was_cut_off(js_, part, now, what_, patience_);
      if (goes) remove_one(js_, part.stream, what_, patience_);
    }
  }

  /// The clock of the leader says when it came: that is now.
  Timestamp tombstone_time() {
    const auto newest = read_control_message(js_, name_, patience_);
    return newest ? newest->time : Timestamp();
  }

  void remove_control_stream() {
    const auto newest = read_control_message(js_, name_, patience_);
    if (!newest || newest->sequence != sequence_) return;  // somebody else's by now
    if (clock_.elapsed() - began_ > longest_removal) return;
    remove_one(js_, Names::control_stream(name_), what_, patience_);
  }

  JetStream& js_;
  const std::string& name_;
  const Clock& clock_;
  Patience patience_;
  std::string what_;
  std::string uuid_;  ///< the first digits of the one that is removed; empty if it is not known
  std::uint64_t sequence_ = 0;
  bool is_unreadable_ = false;
  Duration began_{0};
};

}  // namespace

bool is_tombstone(const KeptMessage& message) {
  const auto control = readable(message);
  return control && control->removed;
}

void remove_one(JetStream& js, const std::string& stream, const std::string& what, Patience& patience) {
  const auto answer = patience.insist(what, [&](Duration wait) { return js.remove(stream, wait); });
  const auto* const refused = std::get_if<Refusal>(&answer);
  if (refused != nullptr && refused->code != refusal::no_stream) throw error_of(what, *refused);
}

void sweep(JetStream& js, const std::string& name, const std::string& uuid, Timestamp now, Patience patience) {
  const std::string what = described(name) + ": remove what is left of other creations";
  for (const Part& part : parts_of(js, name, patience)) {
    if (part.uuid == uuid.substr(0, uuid_part) || !was_cut_off(js, part, now, what, patience)) continue;
    const auto current = read_control(js, name, patience);
    if (!current || current->control.uuid != uuid) return;  // others decide now
    remove_one(js, part.stream, what, patience);
  }
}

void remove_all(JetStream& js, const std::string& name, const Clock& clock, const Patience& patience) {
  Removal(js, name, clock, patience).run();
}

}  // namespace shardlog::nats
