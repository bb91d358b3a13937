#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "engine/raw_database.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::refusal;

const std::string any_bytes("\0\xff\n=:'\x01", 7);

class StoredAttributes : public test::StreamTest {
 protected:
  void create_with(const Attributes& attributes) {
    CreateOptions options;
    options.attributes = attributes;
    shardlog::create(path_, options, clock_);
  }

  static void set(Stream& stream, const std::string& key, const std::optional<std::string>& value) {
    stream.maintenance().update({.attributes = {{key, value}}});
  }

  Attributes found() { return open_to_read()->describe().attributes; }
};

TEST_F(StoredAttributes, DoNotExistInANewStream) {
  create();
  EXPECT_TRUE(found().empty());
}

TEST_F(StoredAttributes, AreKeptByteForByte) {
  const Attributes given{
      {"bytes", any_bytes}, {"empty", ""}, {std::string("\0k", 2), "v"}, {"é", std::string(4096, '\0')}};
  create_with(given);
  EXPECT_EQ(found(), given);
  EXPECT_TRUE(open_to_read()->describe().settings.tags.empty());
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(StoredAttributes, AreSetReplacedAndRemoved) {
  create_with({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  open_to_write()->maintenance().update(
      {.attributes = {{"a", any_bytes}, {"b", std::nullopt}, {"c", ""}, {"d", "4"}, {"missing", std::nullopt}}});
  EXPECT_EQ(found(), (Attributes{{"a", any_bytes}, {"c", ""}, {"d", "4"}}));
}

TEST_F(StoredAttributes, OutsideTheirBoundsAreRefused) {
  const Attributes bad{{"", "v"}, {std::string(129, 'k'), "v"}, {"\xff", "v"}, {"long", std::string(4097, 'v')}};
  for (const auto& each : bad) {
    EXPECT_EQ(refusal([&] { create_with({each}); }), ErrorCode::usage) << each.first;
  }
  create_with({{std::string(128, 'k'), std::string(4096, 'v')}});
  const Attributes before = found();
  for (const auto& [key, value] : bad) {
    EXPECT_EQ(refusal([&, &key = key, &value = value] { set(*open_to_write(), key, value); }), ErrorCode::usage) << key;
  }
  EXPECT_EQ(found(), before);
}

TEST_F(StoredAttributes, OfTwoWritersAreAllKept) {
  create_with({{"a", "1"}});
  const auto one = open_to_write();
  const auto other = open_to_write();
  put(*one, 0, {"x"});
  put(*other, 0, {"y"});
  set(*one, "b", any_bytes);
  set(*other, "c", "3");
  set(*one, "a", std::nullopt);
  test::split(*other, 0);
  put(*one, 1, {"z"});
  other->maintenance().update({.max_record_size = 4096, .repair_clock = true});
  EXPECT_EQ(found(), (Attributes{{"b", any_bytes}, {"c", "3"}}));
}

TEST_F(StoredAttributes, ThatAreDamagedAreNoticed) {
  create_with({{"a", any_bytes}});
  for (const std::string change :
       {"value = value || x'00' WHERE name = 'attribute:a'", "value = x'00' WHERE name = 'attribute:a'",
        "name = 'attribute:b' WHERE name = 'attribute:a'"}) {
    test::RawDatabase database(path_);
    database.exec("CREATE TEMP TABLE kept AS SELECT * FROM settings");
    ASSERT_EQ(database.exec("UPDATE settings SET " + change), 1);
    EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt) << change;
    database.exec("DELETE FROM settings; INSERT INTO settings SELECT * FROM kept");
  }
  EXPECT_EQ(found(), (Attributes{{"a", any_bytes}}));
}

}  // namespace
}  // namespace shardlog
