#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>

namespace shardlog::serve::http {

/// A client for which something is kept.
struct Client {
  /// Ends what the client sends or receives, at once or soon. Empty: nothing is kept for a client that waits. Any
  /// thread may call it. It must not use the budget.
  std::function<void()> cut{};
  int socket = -1;  ///< of its connection
};

/// The client is all that is on this connection: it is cut by shutting that down.
Client sole_client(int socket);

/// The memory that is kept for clients: for the requests that come in, or for the answers that go out. Safe to use from
/// any thread.
///
/// Slow clients must not take it from the others. As long as at most `enough` bytes wait for clients, each client may
/// take its time. If there are more, clients are cut that move less than 64 KiB in two seconds, or less than an eighth
/// of what is kept for them, first those that hold most. So the memory cannot be held for long without as much traffic
/// as clients have that use it.
class Budget {
 public:
  using Watch = std::chrono::steady_clock;
  /// How it is known what a client moves: by move(), or by what it acknowledges on the socket.
  enum class Progress { told, acknowledged };
  class Share;

  explicit Budget(std::size_t most, std::size_t enough = SIZE_MAX) : most_(most), enough_(enough) {}

  /// Cuts clients if need be. To be called now and then.
  void cut_slow(Watch::time_point now = Watch::now());

 private:
  [[nodiscard]] bool has(std::size_t bytes) const { return taken_ <= most_ && bytes <= most_ - taken_; }
  void cut(Watch::time_point now);
  [[nodiscard]] Share* largest_slow(Watch::time_point now) const;

  const std::size_t most_;
  const std::size_t enough_;
  std::mutex mutex_;
  // Guarded by the mutex, as everything in the shares is.
  std::size_t taken_ = 0;
  std::set<Share*> shares_;
};

/// What is kept of one request or answer.
class Budget::Share {
 public:
  /// The budget must outlive it.
  explicit Share(Budget& budget);
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share();

  /// Takes so many bytes more. False, and nothing is taken, if less is left.
  bool take(std::size_t bytes);
  /// Takes all that is wanted while there is enough, an eighth if there is less, or nothing. Returns how much.
  std::size_t take_some(std::size_t wanted);
  /// Keeps exactly so many bytes, even if that is more than is left.
  void keep(std::size_t bytes);

  /// What is kept waits for this client, until wait_no_more(). The client's socket stays open until then.
  void wait_for_client(Client client, Progress progress = Progress::told);
  void wait_no_more();
  /// The client has sent or received so many bytes.
  void move(std::size_t bytes);

 private:
  friend class Budget;

  [[nodiscard]] bool waits() const { return client_.cut != nullptr; }
  bool is_slow(Watch::time_point now);

  Budget& budget_;
  std::size_t bytes_ = 0;
  Client client_;                                ///< for which it waits
  Watch::time_point since_{};                    ///< it waits, or the client had moved enough
  std::size_t moved_ = 0;                        ///< since then
  std::optional<std::uint64_t> acknowledged_{};  ///< on the socket until then
};

}  // namespace shardlog::serve::http
