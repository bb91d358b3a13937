#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tools/stream-serve/http/http2_session.h"

namespace shardlog::serve::http {
namespace {

using Watch = std::chrono::steady_clock;

/// A connection whose client sends bytes as a test wants.
class Http2SessionTest : public testing::Test {
 protected:
  Http2SessionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    client_ = cli::Descriptor(ends[0]);
    session_.emplace(cli::Descriptor(ends[1]), side_, limits_, [](std::int32_t, Http2Session::News) {});
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(settings, 0, 0, ""));
  }

  // RFC 9113, section 6
  static constexpr int data = 0;
  static constexpr int headers = 1;
  static constexpr int rst_stream = 3;
  static constexpr int settings = 4;
  static constexpr int ping = 6;
  static constexpr int end_headers = 4;

  /// POST, http, / and an authority, by the tables of RFC 7541, appendix A. The body is still to come.
  static constexpr const char* begin_of_request = "\x83\x86\x84\x41\x09localhost";

  static std::string frame(int type, int flags, int stream, std::string_view payload) {
    std::string frame{'\0', '\0', static_cast<char>(payload.size()), static_cast<char>(type), static_cast<char>(flags)};
    frame += std::string{'\0', '\0', '\0', static_cast<char>(stream)};
    return frame.append(payload);
  }

  void send(const std::string& bytes) {
    ASSERT_EQ(::write(client_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_TRUE(session_->move());
  }

  std::string received() {
    std::array<char, 4096> bytes{};
    const ssize_t size = ::recv(client_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  /// A moment that is after all that was before it.
  static Watch::time_point next_moment() {
    const auto now = Watch::now();
    while (Watch::now() <= now) continue;
    return Watch::now();
  }

  const ServerLimits limits_ = [] {
    ServerLimits limits;
    limits.threads = 1;
    return limits;
  }();
  ServiceSide side_{[](const Request&) { return std::nullopt; }, [](const Request&) { return Response(); }, limits_};
  cli::Descriptor client_;
  std::optional<Http2Session> session_;
};

TEST_F(Http2SessionTest, IsIdleAlthoughTheClientSendsPings) {
  const auto begin = Watch::now();
  send(frame(headers, end_headers, 1, begin_of_request));
  EXPECT_FALSE(session_->is_idle_since(begin));
  const auto later = next_moment();
  send(frame(ping, 0, 0, "12345678"));
  EXPECT_TRUE(session_->is_idle_since(later));
  send(frame(data, 0, 1, "{"));
  EXPECT_FALSE(session_->is_idle_since(later)) << "some of the body came";
}

TEST_F(Http2SessionTest, CanEndOneOfItsStreams) {
  for (const int stream : {1, 3}) {
    send(frame(headers, end_headers, stream, begin_of_request));
    send(frame(data, 0, stream, "{"));
  }
  const std::size_t all = limits_.all_bodies_bytes;
  EXPECT_FALSE(Budget::Share(side_.bodies).take(all - 1));
  session_->cut(1);
  EXPECT_TRUE(session_->move());
  EXPECT_TRUE(received().ends_with(frame(rst_stream, 0, 1, std::string("\0\0\0\x0b", 4)))) << "ENHANCE_YOUR_CALM";
  send(frame(data, 0, 1, "{"));  // was on its way
  session_->cut(3);
  session_->cut(3);
  EXPECT_TRUE(session_->move());
  EXPECT_TRUE(Budget::Share(side_.bodies).take(all));
}

TEST_F(Http2SessionTest, ReadsAPieceAtATime) {
  send(frame(headers, end_headers, 1, begin_of_request));
  std::string much;
  while (much.size() < 100'000) much += frame(data, 0, 1, std::string(200, ' '));
  const auto left = [this] {
    int bytes = 0;
    EXPECT_EQ(::ioctl(session_->descriptor(), FIONREAD, &bytes), 0);
    return bytes;
  };
  send(much);
  EXPECT_GT(left(), 0) << "others have their turn";
  EXPECT_TRUE(session_->move());
  EXPECT_EQ(left(), 0);
}

}  // namespace
}  // namespace shardlog::serve::http
