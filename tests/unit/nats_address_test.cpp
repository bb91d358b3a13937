#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/nats/address.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;

/// The message of the usage error that an address is refused with; empty if it is accepted.
std::string refusal_of(const std::string& text) {
  try {
    parse_address(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage) << text;
    return error.what();
  }
  return {};
}

TEST(NatsAddress, NameAloneMeansTheServerOnThisMachine) {
  const Address address = parse_address("nats:orders");
  EXPECT_EQ(address.stream, "orders");
  EXPECT_EQ(address.servers, Servers{.urls = {"nats://127.0.0.1:4222"}});
  EXPECT_EQ(address.replicas, 3);
  EXPECT_EQ(address.duplicate_window, 2min);
  EXPECT_EQ(address.to_string(), "nats:orders");
}

TEST(NatsAddress, HostsHaveThePort4222UnlessTheyNameOne) {
  const Address address = parse_address("nats://a,b.example:4223,[::1],[fe80::1]:4224/x_Y-9");
  EXPECT_EQ(address.stream, "x_Y-9");
  EXPECT_EQ(address.servers.urls, (std::vector<std::string>{"nats://a:4222", "nats://b.example:4223",
                                                            "nats://[::1]:4222", "nats://[fe80::1]:4224"}));
}

TEST(NatsAddress, EachHostOfAListMayHaveItsScheme) {
  EXPECT_EQ(parse_address("tls://a:1,nats://b:2,c:3/x").servers.urls,
            (std::vector<std::string>{"tls://a:1", "nats://b:2", "tls://c:3"}));
}

TEST(NatsAddress, WithoutANameItIsThatOfAllStreams) {
  for (const char* const text : {"nats:", "nats://a", "nats://a/", "nats://a:1,b:2/?replicas=1"}) {
    EXPECT_EQ(parse_address(text).stream, "") << text;
  }
}

TEST(NatsAddress, UserAndPasswordAreForAllHosts) {
  const Servers servers = parse_address("nats://me:p%40%2Fs%3As%25@a,b/x").servers;
  EXPECT_EQ(servers, (Servers{.urls = {"nats://a:4222", "nats://b:4222"}, .user = "me", .password = "p@/s:s%"}));
}

TEST(NatsAddress, OneTextBeforeTheHostIsAToken) {
  EXPECT_EQ(parse_address("nats://t%3ak@a/x").servers, (Servers{.urls = {"nats://a:4222"}, .token = "t:k"}));
}

TEST(NatsAddress, Options) {
  const Address address =
      parse_address("nats://a/x?creds=/c%26d&ca=ca.pem&cert=my.pem&key=my@key&replicas=5&duplicate-window=500ms");
  EXPECT_EQ(
      address.servers,
      (Servers{
          .urls = {"nats://a:4222"}, .credentials = "/c&d", .ca = "ca.pem", .certificate = "my.pem", .key = "my@key"}));
  EXPECT_EQ(address.replicas, 5);
  EXPECT_EQ(address.duplicate_window, 500ms);
  EXPECT_EQ(parse_address("nats:x?replicas=1").replicas, 1);
  EXPECT_EQ(parse_address("nats:x?duplicate-window=2s").duplicate_window, 2s);
  EXPECT_EQ(parse_address("nats:x?duplicate-window=24h").duplicate_window, 24h);
}

TEST(NatsAddress, ANameHas1To64Characters) {
  EXPECT_EQ(parse_address("nats:" + std::string(64, 'n')).stream.size(), 64U);
  EXPECT_NE(refusal_of("nats:" + std::string(65, 'n')), "");
  for (const char* const name : {"a.b", "a b", "a*", "a>", "a/b", "\xc3\xa4", "a%20"}) {
    EXPECT_NE(refusal_of(std::string("nats://h/") + name).find("a-z A-Z 0-9 _ and -"), std::string::npos) << name;
  }
}

TEST(NatsAddress, RefusalsSayWhatWouldBeRight) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"file:x", "begins with nats:"},
      {"nats:///x", "a host is empty"},
      {"nats://a,,b/x", "a host is empty"},
      {"nats://a,/x", "a host is empty"},
      {"nats://a b/x", "a host"},
      {"nats://a:0/x", "1 to 65535"},
      {"nats://a:65536/x", "1 to 65535"},
      {"nats://a:/x", "1 to 65535"},
      {"nats://a:1:2/x", "1 to 65535"},
      {"nats://[::1/x", "']'"},
      {"nats://u:p@a,v:q@b/x", "before the first host"},
      {"nats://:p@a/x", "the user is empty"},
      {"nats://u:@a/x", "the password is empty"},
      {"nats://@a/x", "the token is empty"},
      {"nats://u:%4@a/x", "%25"},
      {"nats://u:%00@a/x", "%00"},
      {"nats:x?", "?OPTION=VALUE"},
      {"nats:x?replicas", "'replicas' has no value"},
      {"nats:x?Replicas=1", "'Replicas' is not an option"},
      {"nats:x?replicas=1&replicas=1", "'replicas' is given twice"},
      {"nats:x?replicas=1&", "?OPTION=VALUE"},
      {"nats:x?replicas=0", "1 to 5"},
      {"nats:x?replicas=6", "1 to 5"},
      {"nats:x?replicas=-1", "1 to 5"},
      {"nats:x?ca=", "ca is empty"},
      {"nats:x?cert=a", "cert and key"},
      {"nats:x?key=a", "cert and key"},
      {"nats:x?duplicate-window=99ms", "100ms to 24h"},
      {"nats:x?duplicate-window=25h", "100ms to 24h"},
      {"nats:x?duplicate-window=2", "100ms to 24h"},
      {"nats:x?duplicate-window=s", "100ms to 24h"},
      {"nats:x?duplicate-window=99999999999999999999h", "100ms to 24h"},
  };
  for (const auto& [text, reason] : cases) {
    EXPECT_NE(refusal_of(text).find(reason), std::string::npos) << text << " -> " << refusal_of(text);
  }
}

TEST(NatsAddress, NoRefusalShowsAPassword) {
  const std::vector<std::string> texts{
      "nats://me:se/cret@a/x",  "nats://me:se?cret@a/x", "nats://me:se?cret=1@a/x", "nats://me:secret@a:port/x",
      "nats://me:secret@a/x.y", "nats://se/cret@a/x",    "nats://me:se%cret@a/x",   "nats://me:secret@a,b@c/x",
      "nats://me:1/cret@a/x",   "nats://me:1?cret@a/x",
  };
  for (const auto& text : texts) {
    const std::string refusal = refusal_of(text);
    EXPECT_NE(refusal, "") << text;
    EXPECT_EQ(refusal.find("cret"), std::string::npos) << refusal;
  }
}

}  // namespace
}  // namespace shardlog::nats
