#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tools/common/descriptor.h"
#include "tools/stream-serve/http/limits.h"
#include "tools/stream-serve/http/service_side.h"

namespace shardlog::serve::http {

/// One connection that speaks HTTP/2, with its streams. For one thread.
class Http2Session {
 public:
  /// What other threads have to tell of a stream.
  enum class News {
    answer,  ///< the answer is there, or more of it
    cut,     ///< its client is too slow for what is kept for it
  };
  /// Passes it on to the thread of the session, which then calls answer() or cut(). Any thread may call it.
  using Tell = std::function<void(std::int32_t stream, News news)>;

  Http2Session(cli::Descriptor connection, ServiceSide& side, const ServerLimits& limits, Tell tell);
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;
  ~Http2Session();

  /// Moves what can be moved without waiting, but only a piece of what has come. False if the connection has ended.
  bool move();

  /// Begins to send the answer of a stream, or goes on with it, if the stream is still there.
  void answer(std::int32_t stream);
  /// Ends a stream whose client is slow, if that is still so, and drops what is kept for it. The others of the
  /// connection go on: an end of the connection would leave their clients without the outcome of what they put.
  void cut(std::int32_t stream);

  [[nodiscard]] bool wants_to_write() const;
  /// Whether no request is being answered, and nothing of a request came and nothing of an answer was sent since then;
  /// or the client has read nothing of its answers since. What else a client sends, such as pings, does not count.
  [[nodiscard]] bool is_idle_since(std::chrono::steady_clock::time_point time) const;
  [[nodiscard]] int descriptor() const { return connection_.get(); }

 private:
  class Callbacks;
  /// A worker may still answer the request when its stream has gone.
  struct Stream {
    std::shared_ptr<Exchange> exchange;
    std::size_t header_bytes = 0;
    std::size_t sent = 0;                                                 ///< of the body of the answer
    std::optional<std::chrono::steady_clock::time_point> submitted_at{};  ///< the answer
  };

  void note_activity() { active_at_ = std::chrono::steady_clock::now(); }
  [[nodiscard]] bool has_answer_since(std::chrono::steady_clock::time_point time) const;
  bool read();
  bool write();
  [[nodiscard]] Client client_of(std::int32_t id) const;
  void end(std::int32_t id);
  void begin_body(std::int32_t id, Stream& stream);
  void work(std::int32_t id, Stream& stream);
  void submit(std::int32_t id, Stream& stream);
  ssize_t send_piece(Feed& feed, std::span<std::uint8_t> to, std::uint32_t& flags);

  cli::Descriptor connection_;
  ServiceSide& side_;
  const ServerLimits limits_;
  Tell tell_;
  std::map<std::int32_t, Stream> streams_;
  std::string unsent_;
  std::chrono::steady_clock::time_point active_at_;  ///< something of a request came, or an answer began
  std::chrono::steady_clock::time_point sent_at_{};  ///< a piece of an answer
  nghttp2_session* session_ = nullptr;
};

}  // namespace shardlog::serve::http
