#pragma once

#include <nats/nats.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/nats/message.h"

/// How libnats is used by Connection, Inbox and Message, and by nobody else.
namespace shardlog::nats {

enum class Signals { all, pipe };

/// Keeps signals from this thread: SIGPIPE while it writes to a server (the library sends without MSG_NOSIGNAL over
/// TLS), and all of them while the library may start threads, which inherit that. A signal for the program must reach a
/// thread of the program.
class Blocked {
 public:
  explicit Blocked(Signals which) {
    sigset_t blocked;
    if (which == Signals::all) {
      ::sigfillset(&blocked);
    } else {
      ::sigemptyset(&blocked);
      ::sigaddset(&blocked, SIGPIPE);
    }
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    was_pending_ = is_pending();
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() {
    constexpr timespec at_once{};
    if (!was_pending_ && is_pending()) ::sigtimedwait(&pipe_, nullptr, &at_once);  // it was ours
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  static bool is_pending() {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t before_{};
  sigset_t pipe_{};
  bool was_pending_ = false;
};

/// Starts the library, which ignores SIGPIPE from then on. That is for the program to decide, so it is undone.
void start_library();

struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using OwnedMessage = std::unique_ptr<natsMsg, DestroyMessage>;

struct DestroyOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using Options = std::unique_ptr<natsOptions, DestroyOptions>;

/// `reply` may be empty.
OwnedMessage make_message(const std::string& subject, const std::string& reply, const Headers& headers,
                          std::string_view data);

/// What the library says about the error that this thread had last.
std::string reason_of(natsStatus status);

/// For what can only fail for want of memory (throws busy), or because the address makes no sense to the library
/// (throws usage).
void expect(natsStatus status, const char* what);

/// How long a callback that is running may take to end.
constexpr Duration longest_end = std::chrono::seconds(10);

}  // namespace shardlog::nats
