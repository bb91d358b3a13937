#include "tools/stream-serve/http/http2_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>
#include <vector>

namespace shardlog::serve::http {

namespace {

constexpr std::uint32_t most_streams = 100;
constexpr std::int32_t stream_window = 1024 * 1024;
constexpr std::int32_t connection_window = 16 * 1024 * 1024;

struct EndCallbacks {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv header(const std::string& name, const std::string& value) {
  // libnghttp2 copies both, and takes them without const.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

void check(int result) {
  if (result == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
}

}  // namespace

/// libnghttp2 calls back while it is given what was received. NGHTTP2_ERR_CALLBACK_FAILURE ends the connection.
class Http2Session::Callbacks {
 public:
  static std::unique_ptr<nghttp2_session_callbacks, EndCallbacks> make() {
    nghttp2_session_callbacks* made = nullptr;
    check(nghttp2_session_callbacks_new(&made));
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &on_begin);
    nghttp2_session_callbacks_set_on_header_callback(made, &on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &on_close);
    return std::unique_ptr<nghttp2_session_callbacks, EndCallbacks>(made);
  }

  /// Gives libnghttp2 the next piece of an answer's body.
  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                         std::uint32_t* flags, nghttp2_data_source*, void* self) {
    Stream* const stream = find(self, id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (const auto& feed = stream->exchange->response()->feed)
      return session(self).send_piece(*feed, {buffer, size}, *flags);
    const std::string& body = stream->exchange->response()->body;
    const std::size_t piece = std::min(size, body.size() - stream->sent);
    std::copy_n(body.data() + stream->sent, piece, buffer);
    stream->sent += piece;
    stream->exchange->sent(piece);
    session(self).sent_at_ = std::chrono::steady_clock::now();
    if (stream->sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece);
  }

 private:
  template <typename Work>
  static int unless_memory_is_short(const Work& work) {
    return or_without_memory<int>(NGHTTP2_ERR_CALLBACK_FAILURE, [&work] {
      work();
      return 0;
    });
  }

  static Http2Session& session(void* self) { return *static_cast<Http2Session*>(self); }

  static Stream* find(void* self, std::int32_t id) {
    const auto found = session(self).streams_.find(id);
    return found == session(self).streams_.end() ? nullptr : &found->second;
  }

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    session(self).note_activity();
    return unless_memory_is_short([&] {
      const std::int32_t id = frame->hd.stream_id;
      ServiceSide& side = session(self).side_;
      auto exchange = std::make_shared<Exchange>("", side.bodies, side.answers, session(self).client_of(id));
      session(self).streams_[id].exchange = std::move(exchange);
    });
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/, void* self) {
    Stream* const stream = find(self, frame->hd.stream_id);
    if (stream == nullptr || stream->exchange->state() != Exchange::State::new_request) return 0;
    stream->header_bytes += name_size + value_size;
    if (stream->header_bytes > session(self).limits_.header_bytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (!stream->exchange->take_for_header(name_size + value_size)) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session(self).note_activity();
    const std::string_view key = text_of(name, name_size);
    const std::string_view text = text_of(value, value_size);
    Request& request = stream->exchange->request();
    return unless_memory_is_short([&] {
      if (key == ":method") request.method = text;
      if (key == ":path") request.target = text;
      if (key == ":authority") request.add_header("host", text);
      if (key == ":authority" || !key.starts_with(':')) request.add_header(key, text);
    });
  }

  static int on_data(nghttp2_session*, std::uint8_t /*flags*/, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* self) {
    Stream* const stream = find(self, id);
    if (stream == nullptr || stream->exchange->state() != Exchange::State::reading) return 0;
    session(self).note_activity();
    return unless_memory_is_short([&] { stream->exchange->read(text_of(data, size)); });
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    const bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    if (!is_headers && frame->hd.type != NGHTTP2_DATA) return 0;
    const std::int32_t id = frame->hd.stream_id;
    Stream* const stream = find(self, id);
    if (stream == nullptr) return 0;
    const bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return unless_memory_is_short([&] {
      const Exchange& exchange = *stream->exchange;
      if (is_headers && exchange.state() == Exchange::State::new_request) session(self).begin_body(id, *stream);
      if (is_last && exchange.state() == Exchange::State::reading) session(self).work(id, *stream);
    });
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t /*error*/, void* self) {
    session(self).end(id);
    return 0;
  }
};

Http2Session::Http2Session(cli::Descriptor connection, ServiceSide& side, const ServerLimits& limits, Tell tell)
    : connection_(std::move(connection)),
      side_(side),
      limits_(limits),
      tell_(std::move(tell)),
      active_at_(std::chrono::steady_clock::now()) {
  const auto callbacks = Callbacks::make();
  check(nghttp2_session_server_new(&session_, callbacks.get(), this));
  const std::array<nghttp2_settings_entry, 3> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most_streams},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)}}};
  check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
  check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window));
}

Http2Session::~Http2Session() {
  nghttp2_session_del(session_);
  for (const auto& [id, stream] : streams_) {
    stream.exchange->leave();
    if (stream.exchange->was_given) side_.in_flight.end();
  }
}

bool Http2Session::move() {
  if (!write() || (unsent_.empty() && !read()) || !write()) return false;
  return nghttp2_session_want_read(session_) != 0 || wants_to_write();
}

bool Http2Session::wants_to_write() const {
  return !unsent_.empty() || nghttp2_session_want_write(session_) != 0;
}

bool Http2Session::is_idle_since(std::chrono::steady_clock::time_point time) const {
  const bool works = std::any_of(streams_.begin(), streams_.end(), [](const auto& stream) {
    return stream.second.exchange->state() == Exchange::State::working;
  });
  return (!works && std::max(active_at_, sent_at_) < time) || (sent_at_ < time && has_answer_since(time));
}

/// Whether an answer has waited for the client since then. A client could leave it unread for ever and still send
/// pings.
bool Http2Session::has_answer_since(std::chrono::steady_clock::time_point time) const {
  return std::any_of(streams_.begin(), streams_.end(), [time](const auto& stream) {
    const auto& [exchange, header_bytes, sent, submitted_at] = stream.second;
    if (!submitted_at || *submitted_at >= time) return false;
    const Response& response = *exchange->response();
    return response.feed ? response.feed->has_bytes() : sent < response.body.size();
  });
}

/// Only a piece, so that a client that sends without pause does not keep the thread from the others. What the frames
/// call for is sent before the next one, so that a client that never reads is not served for ever.
bool Http2Session::read() {
  std::array<std::uint8_t, 64UL * 1024> buffer;  // NOLINT(*-member-init): filled by recv()
  const ssize_t received = ::recv(connection_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (received == 0) return false;
  if (received < 0) return errno == EAGAIN || errno == EINTR;
  return nghttp2_session_mem_recv(session_, buffer.data(), static_cast<std::size_t>(received)) >= 0;
}

bool Http2Session::write() {
  while (true) {
    if (unsent_.empty()) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size < 0) return false;
      if (size == 0) return true;
      unsent_.assign(text_of(bytes, static_cast<std::size_t>(size)));
    }
    const ssize_t sent = ::send(connection_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    unsent_.erase(0, static_cast<std::size_t>(sent));
  }
}

Client Http2Session::client_of(std::int32_t id) const {
  return {[id, tell = tell_] { tell(id, News::cut); }, descriptor()};
}

/// Of a stream.
void Http2Session::end(std::int32_t id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  stream->second.exchange->leave();
  if (stream->second.exchange->was_given) side_.in_flight.end();
  streams_.erase(stream);
}

/// The headers are there.
void Http2Session::begin_body(std::int32_t id, Stream& stream) {
  stream.exchange->set(Exchange::State::reading);
  auto refusal = side_.gate(stream.exchange->request());
  if (!refusal) return;
  stream.exchange->answer(std::move(*refusal));
  submit(id, stream);
}

/// The request is there. Has it answered by a worker.
void Http2Session::work(std::int32_t id, Stream& stream) {
  const auto exchange = stream.exchange;
  exchange->was_given = !exchange->response() && side_.in_flight.begin();
  if (!exchange->was_given) {
    if (!exchange->response()) exchange->answer(closing_response());
    return submit(id, stream);
  }
  exchange->set(Exchange::State::working);
  const bool is_given = side_.workers.give([exchange, id, &side = side_, tell = tell_] {
    side.answer(*exchange);
    tell(id, News::answer);
    side.in_flight.answered();
  });
  if (is_given) return;
  side_.in_flight.answered();
  exchange->answer({503});
  submit(id, stream);
}

void Http2Session::answer(std::int32_t id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  if (!stream->second.submitted_at) return submit(id, stream->second);
  check(nghttp2_session_resume_data(session_, id));
}

void Http2Session::cut(std::int32_t id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  const auto& [exchange, header_bytes, sent, submitted_at] = stream->second;
  const bool is_working = exchange->state() == Exchange::State::working;
  const bool is_answered = exchange->state() == Exchange::State::answered;
  if (is_working || (is_answered && !submitted_at)) return;  // the rest of the request has come meanwhile
  end(id);
  check(nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM));
}

/// The same for an answer that comes piece by piece.
ssize_t Http2Session::send_piece(Feed& feed, std::span<std::uint8_t> to, std::uint32_t& flags) {
  const Feed::Piece piece = feed.take({reinterpret_cast<char*>(to.data()), to.size()});
  if (piece.size > 0) sent_at_ = std::chrono::steady_clock::now();
  if (piece.size > 0) return static_cast<ssize_t>(piece.size);
  if (piece.state == Feed::State::open) return NGHTTP2_ERR_DEFERRED;
  if (piece.state == Feed::State::broken) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  flags |= NGHTTP2_DATA_FLAG_EOF;
  return 0;
}

void Http2Session::submit(std::int32_t id, Stream& stream) {
  stream.exchange->begin_sending(Budget::Progress::told);
  note_activity();
  stream.submitted_at = active_at_;
  const Response& response = *stream.exchange->response();
  Headers headers{{":status", std::to_string(response.status)}};
  for (const auto& [name, value] : response.headers) {
    std::string lower = in_lower_case(name);
    if (lower != "connection") headers.emplace_back(std::move(lower), value);  // HTTP/2 knows none
  }
  if (response.feed) {
    response.feed->attach(side_.answers, client_of(id), [id, tell = tell_] { tell(id, News::answer); });
    side_.feeds.add(response.feed);
  } else {
    headers.emplace_back("content-length", std::to_string(response.body.size()));
  }
  std::vector<nghttp2_nv> fields;
  fields.reserve(headers.size());
  for (const auto& [name, value] : headers) fields.push_back(header(name, value));
  nghttp2_data_provider body{};
  body.read_callback = &Callbacks::on_read;
  check(nghttp2_submit_response(session_, id, fields.data(), fields.size(), &body));
}

}  // namespace shardlog::serve::http
