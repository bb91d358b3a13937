#include "tools/common/address.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

namespace shardlog::cli {
namespace {

/// The environment is as it was again after the test.
class Address : public testing::Test {
 protected:
  Address() {
    for (const char* const name : {"STREAM_DIR", "NATS_URL", "NATS_USER", "NATS_PASSWORD", "NATS_TOKEN", "NATS_CREDS",
                                   "NATS_CA", "NATS_CERT", "NATS_KEY"}) {
      const char* const value = std::getenv(name);
      if (value != nullptr) before_.emplace(name, value);
      ::unsetenv(name);
      names_.emplace_back(name);
    }
  }
  ~Address() override {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : before_) set(name, value);
  }

  static void set(const std::string& name, const std::string& value) { ::setenv(name.c_str(), value.c_str(), 1); }

 private:
  std::map<std::string, std::string> before_;
  std::vector<std::string> names_;
};

TEST_F(Address, OfAPathHasNoSlashAtItsEnd) {
  EXPECT_EQ(address_of("orders/"), "orders");
  EXPECT_EQ(address_of("/"), "/");
  set("STREAM_DIR", "/data");
  EXPECT_EQ(address_of("orders"), "/data/orders");
  EXPECT_EQ(address_of("./orders"), "./orders");
  EXPECT_EQ(address_of("nats:orders"), "nats:orders");
}

TEST_F(Address, OfABareNameIsBelowTheServersOfTheDirectory) {
  const std::map<std::string, std::string> addresses{
      {"nats:", "nats:orders"},
      {"nats://h:1", "nats://h:1/orders"},
      {"nats://h:1/", "nats://h:1/orders"},
      {"nats://h:1,i:2/?replicas=1", "nats://h:1,i:2/orders?replicas=1"},
      {"nats:?replicas=1", "nats:orders?replicas=1"},
  };
  for (const auto& [directory, address] : addresses) {
    set("STREAM_DIR", directory);
    EXPECT_EQ(address_of("orders"), address);
    EXPECT_EQ(address_below(directory, "orders"), address);
  }
}

TEST_F(Address, EndsWithAName) {
  const std::map<std::string, std::string> names{
      {"orders", "orders"},
      {"/data/orders", "orders"},
      {"a:b/c:d?e", "c:d?e"},
      {"nats:orders", "orders"},
      {"nats:", ""},
      {"nats://h:1", ""},
      {"nats://h:1/", ""},
      {"nats://h:1/orders?creds=/a/b", "orders"},
      {"nats:?replicas=1", ""},
      {"nats:orders?ca=/x/y", "orders"},
      {"tls://h/orders", "orders"},
  };
  for (const auto& [address, name] : names) EXPECT_EQ(name_in(address), name) << address;
}

TEST_F(Address, IsShownWithoutSecrets) {
  EXPECT_EQ(shown_name("orders//"), "orders");
  EXPECT_EQ(shown_name("nats:orders"), "nats:orders");
  EXPECT_EQ(shown_name("nats://h:1/orders?replicas=1"), "nats://h:1/orders?replicas=1");
  EXPECT_EQ(shown_name("nats://me:secret@h:1/orders"), "nats://h:1/orders");
  EXPECT_EQ(shown_name("nats://me:sec@ret/?x@h:1/orders"), "nats://h:1/orders")
      << "with characters that are not encoded";
  EXPECT_EQ(shown_name("dir/a@b"), "dir/a@b");
}

TEST_F(Address, GetsTheServersOfTheEnvironment) {
  EXPECT_EQ(with_servers("/data/orders"), "/data/orders");
  EXPECT_EQ(with_servers("nats:orders"), "nats://127.0.0.1:4222/orders");
  EXPECT_EQ(with_servers("nats:"), "nats://127.0.0.1:4222/");
  set("NATS_URL", "nats://a:1,nats://b:2/");
  EXPECT_EQ(with_servers("nats:orders?replicas=1"), "nats://a:1,nats://b:2/orders?replicas=1");
  EXPECT_EQ(with_servers("nats://c/orders"), "nats://c/orders") << "it names servers";
  set("NATS_URL", "a:1,b:2");
  EXPECT_EQ(with_servers("nats:orders"), "nats://a:1,b:2/orders");
}

TEST_F(Address, GetsTheCredentialsOfTheEnvironment) {
  set("NATS_USER", "me");
  EXPECT_EQ(with_servers("nats:orders"), "nats://me@127.0.0.1:4222/orders") << "a token";
  set("NATS_PASSWORD", "p@ss/wörd");
  EXPECT_EQ(with_servers("nats:orders"), "nats://me:p%40ss%2Fw%C3%B6rd@127.0.0.1:4222/orders");
  set("NATS_URL", "tls://you:other@a:1");
  EXPECT_EQ(with_servers("nats:orders"), "tls://you:other@a:1/orders") << "it has its own";
  ::unsetenv("NATS_USER");
  ::unsetenv("NATS_PASSWORD");
  set("NATS_URL", "tls://a:1");
  set("NATS_TOKEN", "t");
  set("NATS_CREDS", "/home/me/a.creds");
  set("NATS_CA", "ca");
  set("NATS_CERT", "c&d");
  set("NATS_KEY", "k");
  EXPECT_EQ(with_servers("nats:orders?replicas=1"),
            "tls://t@a:1/orders?creds=%2Fhome%2Fme%2Fa.creds&ca=ca&cert=c%26d&key=k&replicas=1");
}

}  // namespace
}  // namespace shardlog::cli
