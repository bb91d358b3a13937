#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"

namespace shardlog::serve {

/// The states in which clients see streams. For some time they see a stream as being created, changed or deleted,
/// although that takes no time here: so clients can be tested that must wait for it. This server alone knows of it. For
/// any number of threads.
class Transitions {
 public:
  /// `clock` must outlive it.
  Transitions(Duration lasts, const Clock& clock) : lasts_(lasts), clock_(clock) {}

  enum class State { active, creating, updating };

  void begin(const std::string& stream, State state) { note(stream, {state, std::nullopt, clock_.elapsed() + lasts_}); }

  /// The stream was removed; until the end of its transition it is shown as it was.
  void begin_deleting(const std::string& stream, StreamDescription described) {
    note(stream, {State::active, std::move(described), clock_.elapsed() + lasts_});
  }

  /// Of a stream that is there.
  State state_of(const std::string& stream) {
    const std::lock_guard guard(mutex_);
    return find_state(stream);
  }

  /// A change of a stream's shards while it is made, which can take minutes. Others have to wait until then. False if
  /// the stream is not active: then nothing may be changed.
  class Change {
   public:
    Change(Transitions& transitions, std::string stream)
        : transitions_(transitions), stream_(std::move(stream)), has_begun_(transitions.begin_change(stream_)) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() {
      if (has_begun_) transitions_.end_change(stream_);
    }

    explicit operator bool() const { return has_begun_; }

   private:
    Transitions& transitions_;
    const std::string stream_;
    const bool has_begun_;
  };

  /// A stream that is being deleted.
  std::optional<StreamDescription> deleted(const std::string& stream) {
    const std::lock_guard guard(mutex_);
    const Transition* const transition = find(stream);
    return transition == nullptr ? std::nullopt : transition->deleted;
  }

  /// The names of those.
  std::vector<std::string> all_deleted() {
    const std::lock_guard guard(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, transition] : transitions_) {
      if (transition.deleted && clock_.elapsed() < transition.ends) names.push_back(name);
    }
    return names;
  }

 private:
  struct Transition {
    State state;
    std::optional<StreamDescription> deleted;
    Duration ends;  ///< Clock::elapsed()
  };

  void note(const std::string& stream, Transition transition) {
    if (lasts_ == Duration(0)) return;
    const std::lock_guard guard(mutex_);
    std::erase_if(transitions_, [this](const auto& each) { return each.second.ends <= clock_.elapsed(); });
    transitions_.insert_or_assign(stream, std::move(transition));
  }

  bool begin_change(const std::string& stream) {
    const std::lock_guard guard(mutex_);
    return find_state(stream) == State::active && changing_.insert(stream).second;
  }

  void end_change(const std::string& stream) {
    const std::lock_guard guard(mutex_);
    changing_.erase(stream);
  }

  State find_state(const std::string& stream) {
    if (changing_.contains(stream)) return State::updating;
    const Transition* const transition = find(stream);
    return transition == nullptr ? State::active : transition->state;
  }

  const Transition* find(const std::string& stream) {
    const auto found = transitions_.find(stream);
    return found == transitions_.end() || found->second.ends <= clock_.elapsed() ? nullptr : &found->second;
  }

  const Duration lasts_;
  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by the mutex.
  std::map<std::string, Transition> transitions_;  ///< some may be over
  std::set<std::string> changing_;                 ///< streams whose shards are being changed
};

constexpr std::string_view name_of(Transitions::State state) {
  if (state == Transitions::State::creating) return "CREATING";
  return state == Transitions::State::updating ? "UPDATING" : "ACTIVE";
}

}  // namespace shardlog::serve
