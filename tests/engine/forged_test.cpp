#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/forger.h"
#include "engine/segment_forger.h"
#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/frontier.h"
#include "shardlog/consuming/worker.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"
#include "support/notes.h"
#include "support/refusal.h"
#include "support/stream_test.h"

/// Whoever can write the files of a stream can make right checksums too.
namespace shardlog {
namespace {

using test::append_all;

using namespace std::chrono_literals;

/// A stream with something in each of its tables, and what its users see after each forgery.
class Forged : public test::StreamTest {
 protected:
  Forged() {
    path_ = memory_.path() + "/orders";
    kept_ = path_ + ".kept";
    CreateOptions options = test::of_shards(2);
    options.settings.retention = 1h;
    options.settings.tags = {{"team", "blue"}};
    shardlog::create(path_, options, clock_);
    {
      const auto stream = open_to_write();
      put(*stream, 0, {"trimmed"}, Sync::normal);
      clock_.step(2h);
      stream->maintenance().update({});
      consuming::make_consumer(*stream, "billing", TrimHorizon{}, clock_);
      put(*stream, 0, {"a", "b"}, Sync::normal);
      put(*stream, 1, {"c"}, Sync::normal);
      test::split(*stream, 0);
      put(*stream, 2, {"d"}, Sync::normal);
      put(*stream, 3, {"e", "f"}, Sync::normal);
      test::merge(*stream, 2, 3);
      put(*stream, 4, {"g"}, Sync::normal);
      consuming::make_consumer(*stream, "audit", Latest{}, clock_);
      own_a_lease(*stream);
      const ProducerMove move{{"import-7", ""}, std::nullopt, {SequenceNumber(7), "proof"}};
      const RoutedBatch batch = test::batch_of(4, {"h"});
      append_all(*stream, {&batch, 1}, Sync::normal, {&move, 1});
      measure(*stream);
    }
    write_an_index_row();
    {
      test::SegmentForger forger(path_);
      forger.move(3, 4, 1);
      forger.move(7, 7, 2, false);
    }
    std::filesystem::copy(path_, kept_, std::filesystem::copy_options::recursive);
    expected_ = lines();
  }

  static void own_a_lease(Stream& stream) {
    const Consumer audit = stream.leases().find("audit").value();
    Lease owned = audit.leases.at(0);
    owned.owner = LeaseOwner{"w1", "boot/1/2/3"};
    owned.claimant = LeaseOwner{"w2", "boot/1/4/5"};
    const LeaseChange change{audit.leases.at(0), owned};
    ASSERT_TRUE(stream.leases().change(audit.uuid, {&change, 1}));
  }

  void measure(Stream& stream) const {
    metrics::Period period{std::chrono::floor<std::chrono::minutes>(clock_.now()), 1min, {}};
    period.measures.put.add(1ms);
    period.measures.readers["x"].age.add(1s);
    ASSERT_TRUE(stream.metrics().add({&period, 1}));
  }

  void write_an_index_row() {
    sqlite::Database database = sqlite::open_database(sqlite::Paths{path_, path_}, sqlite::OpenMode::read_write);
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    sqlite::Tail tail;
    sqlite::TailScan(database).catch_up(sqlite::load_configuration(database, Access::read), tail);
    sqlite::write_index_row(database, tail);
    transaction.commit();
  }

  void restore() {
    for (const auto& file : std::filesystem::directory_iterator(path_)) std::filesystem::remove(file);
    std::filesystem::copy(kept_, path_);
  }

  /// Whether it was refused as damaged. Nothing else may come of it, and the message can be shown as it is.
  template <typename Action>
  bool refused(const char* what, Action&& action) {
    try {
      action();
      return false;
    } catch (const Error& error) {
      const bool as_damaged = error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported;
      EXPECT_TRUE(as_damaged) << what << ": " << error.what();
      expect_printable(error.what());
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << " would be called a bug: " << error.what();
    }
    return true;
  }

  static void expect_printable(const std::string& text) { EXPECT_EQ(text, printable(text)); }

  /// Everything that can be done with a stream without changing its shards. What a person sees of it beside records is
  /// told by programs with escapes; of names that they take as they are the form is checked.
  bool some_reader_is_refused() {
    bool is_refused = refused("open", [&] { open_to_read(); });
    if (is_refused) return true;
    const auto stream = open_to_read();
    is_refused |= refused("describe", [&] { expect_printable(stream->describe().uuid); });
    is_refused |= refused("statistics", [&] {
      for (const ShardStatistics& shard : stream->maintenance().statistics(Detail::all).shards)
        EXPECT_LT(shard.records, 100U);
    });
    is_refused |= refused("metrics", [&] {
      for (const metrics::Period& each : stream->metrics().history(clock_.now() - 24h, clock_.now() + 24h)) {
        EXPECT_LT(each.measures.put.count(), 100U);
        for (const auto& [name, reader] : each.measures.readers) expect_printable(name);
      }
    });
    is_refused |= refused("producers", [&] { stream->producers().all(); });
    is_refused |= refused("locate", [&] { stream->locate(AtTime{clock_.now()}, {}); });
    is_refused |= refused("last", [&] { test::read(*stream, {.from = LastRecords{3}}); });
    is_refused |= refused("consumers", [&] {
      const ShardMap map = stream->describe().map;
      for (const Consumer& each : stream->leases().all()) {
        expect_printable(each.name + each.uuid);
        consuming::check_leases(map, each);  // as stream-stats does
        stream->maintenance().backlog(consuming::starts_of(each));
      }
    });
    return is_refused;
  }

  /// How many records a consumer gets that is made now; nothing where it is refused.
  std::optional<std::size_t> consumed(const std::string& name) {
    test::Notes notes;
    const bool is_refused = refused("consumer", [&] {
      const auto stream = open_to_write();
      consuming::make_consumer(*stream, name, TrimHorizon{}, clock_);
      const consuming::WorkerOptions options{.consumer = name, .worker = "w", .lease_duration = 30ms};
      consuming::run_worker(options, *stream, notes, clock_, {});
    });
    return is_refused ? std::nullopt : std::optional(notes.lines().size());
  }

  void write() {
    refused("append, split and trim", [&] {
      const auto stream = open_to_write();
      put(*stream, 4, {"new"}, Sync::normal);
      test::split(*stream, 4);
      stream->maintenance().update({.retention = 30min, .repair_clock = true});
    });
  }

  bool verify_tells() {
    bool tells = false;
    const bool is_refused = refused("verify", [&] {
      for (const std::string& finding : findings(*open_to_read())) {
        expect_printable(finding);
        tells = true;
      }
      tells |= !consuming::check_consumers(*open_to_read()).empty();
    });
    return tells || is_refused;
  }

  /// All that users do after a forgery: they are refused, or it did no harm, or at least --verify tells of it.
  void expect_refused_or_harmless() {
    ::alarm(60);  // nothing goes on for ever
    bool told = some_reader_is_refused();
    Lines records;
    told |= refused("read", [&] { records = lines(); });
    Lines of_first_shard;
    told |= refused("read one shard",
                    [&] { of_first_shard = data_of(test::read(*open_to_read(), {.shards = {ShardId(0)}})); });
    const bool verified = verify_tells();
    EXPECT_TRUE(verified || !told) << "a reader is refused, and --verify finds nothing";
    const bool expired = records.empty() && !told;
    EXPECT_TRUE(told || verified || expired || records == expected_) << records.size() << " other records";
    EXPECT_TRUE(told || verified || expired || of_first_shard == (Lines{"a", "b"}))
        << of_first_shard.size() << " others";
    for (const char* const name : {"billing", "fresh"}) {
      const auto count = consumed(name);
      const bool whole = !count || verified || forging_checkpoints_ || *count == records.size();
      EXPECT_TRUE(whole) << name << " got " << count.value_or(0);
    }
    write();
    ::alarm(0);
  }

  void forge(const std::string& table, const std::string& assignment, const std::string& condition) {
    restore();
    {
      test::Forger forger(path_);
      try {
        forger.exec(fmt::format("UPDATE {} SET {} WHERE {}", table, assignment, condition));
      } catch (const SQLite::Exception&) {
        return;  // a value that the table itself refuses
      }
      forger.seal(table);
    }
    SCOPED_TRACE(fmt::format("{} SET {} WHERE {}", table, assignment, condition));
    expect_refused_or_harmless();
  }

  /// Every column of the table but its checksum, in the first and the last row, one hostile value after the other.
  void forge_all(const std::string& table, const std::string& key) {
    std::vector<std::pair<std::string, std::string>> columns;  // and their types
    {
      test::RawDatabase database(path_);
      SQLite::Statement rows(database, fmt::format("SELECT name, type FROM pragma_table_info('{}')", table));
      while (rows.executeStep()) columns.emplace_back(rows.getColumn(0).getString(), rows.getColumn(1).getString());
    }
    ASSERT_FALSE(columns.empty());
    for (const auto& [column, type] : columns) {
      if (column == "checksum" || column == "payload_checksum") continue;
      forging_checkpoints_ = column == "checkpoint";
      for (const char* const end : {"min", "max"}) {
        const std::string row = fmt::format("{} = (SELECT {}({}) FROM {})", key, end, key, table);
        for (const std::string& value : hostile_values(column, type)) forge(table, column + " = " + value, row);
      }
    }
  }

  static std::vector<std::string> hostile_values(const std::string& column, const std::string& type) {
    if (type == "INTEGER") {
      return {
          "0",   "-1", "9223372036854775807", "-9223372036854775808", "4294967295", column + " + 1", column + " - 1",
          "NULL"};
    }
    if (type == "BLOB") return {"x''", "x'00'", "zeroblob(16)", "zeroblob(32)", "x'" + std::string(64, 'f') + "'"};
    return {"''",
            "char(27) || '[31m'",
            "'a' || char(10) || 'b'",
            "CAST(x'ff' AS TEXT)",
            "replace(hex(zeroblob(200)), '0', 'a')",
            "'-1'",
            "'0'",
            "'99999999999999999999'",
            "'9223372036854775807'",
            "'at:9223372036854775807'",
            "'shard-end'",
            "NULL"};
  }

  test::TemporaryDirectory memory_ = test::TemporaryDirectory::without_disk();
  std::string kept_;
  Lines expected_;
  bool forging_checkpoints_ = false;  // a consumer that was set to another place gets what comes after it
};

TEST_F(Forged, NothingIsHarmless) {
  restore();
  expect_refused_or_harmless();
  EXPECT_EQ(expected_, (Lines{"a", "b", "c", "d", "e", "f", "g", "h"}));
}

TEST_F(Forged, SettingsAreRefusedOrHarmless) {
  std::vector<std::string> names;
  {
    test::RawDatabase database(path_);
    SQLite::Statement rows(database, "SELECT name FROM settings WHERE name != 'checksum'");
    while (rows.executeStep()) names.push_back(rows.getColumn(0).getString());
  }
  EXPECT_EQ(names.size(), 15U);
  for (const std::string& name : names) {
    for (const std::string& value : hostile_values("value", "ANY")) {
      forge("settings", "value = " + value, "name = '" + name + "'");
    }
  }
  for (const std::string& name : hostile_values("name", "TEXT")) {
    forge("settings", "name = 'tag:' || " + name, "name = 'tag:team'");
  }
}

struct Table {
  const char* name;
  const char* key;
};

class ForgedTable : public Forged, public testing::WithParamInterface<Table> {};

TEST_P(ForgedTable, IsRefusedOrHarmless) {
  forge_all(GetParam().name, GetParam().key);
}

constexpr Table tables[] = {{"shards", "id"},
                            {"batches", "id"},
                            {"segments", "id"},
                            {"batch_index", "batch"},
                            {"batch_shards", "last_batch"},
                            {"trim_horizon", "batch"},
                            {"consumers", "name"},
                            {"leases", "(SELECT name FROM consumers WHERE uuid = consumer) || shard"},
                            {"metrics", "start"},
                            {"producers", "name"}};

INSTANTIATE_TEST_SUITE_P(Every, ForgedTable, testing::ValuesIn(tables),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(Forged, DataWithoutTheNewlineAfterItIsRefused) {
  restore();
  {
    test::Forger forger(path_);
    std::string payload = forger.text("SELECT payload FROM batches WHERE id = 2");
    ASSERT_TRUE(payload.ends_with("a\nb\n"));
    payload.replace(payload.size() - 3, 1, "x");
    forger.store_payload(2, payload);
  }
  EXPECT_TRUE(refused("read", [&] { lines(); }));
  EXPECT_TRUE(verify_tells());
}

/// Adds an empty column to a payload that has the columns 0 and 4.
std::string with_column(std::string payload, unsigned number) {
  char& bits = payload.at(8 + number / 8);
  bits = static_cast<char>(bits | 1 << number % 8);
  return payload.insert(32 + 2 * 4, 4, '\0');
}

TEST_F(Forged, WhatANewerProgramWroteIntoAPayloadIsSkippedOrAsksForThatProgram) {
  restore();
  test::Forger forger(path_);
  const std::string payload = forger.text("SELECT payload FROM batches WHERE id = 2");
  std::string of_new_codec = payload;
  of_new_codec.at(5) = 3;
  for (const auto& [newer, what] : {std::pair{of_new_codec, "codec 3"}, {with_column(payload, 5), "column 5"}}) {
    forger.store_payload(2, newer);
    EXPECT_EQ(test::refusal([&] { lines(); }), ErrorCode::unsupported) << what;
    const Lines found = findings(*open_to_read());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].find(std::string(what) + " is not known to this program: use a newer shardlog"),
              std::string::npos)
        << found[0];
  }
  for (const unsigned number : {16U, 31U}) {
    forger.store_payload(2, with_column(payload, number));
    EXPECT_EQ(lines(), expected_) << number;
    EXPECT_EQ(findings(*open_to_read()), Lines{}) << number;
  }
}

TEST_F(Forged, AKeyThatIsNotTextIsFoundByVerify) {
  restore();
  const std::vector<Record> records{{"data", "\xff\x1b"}};
  const std::uint32_t shard = HashKey::of("\xff\x1b") < HashKey(HashKey::Value{1} << 127) ? 4 : 1;
  const RoutedBatch batch{ShardId(shard), encode(records)};
  append_all(*open_to_write(), {&batch, 1}, Sync::normal);
  EXPECT_EQ(findings(*open_to_read()).size(), 1U);
}

TEST_F(Forged, AShardThatIsItsOwnParentStopsAConsumer) {
  forge("shards", "parent = id", "id = 4");
  EXPECT_TRUE(refused("consumer", [&] { open_to_write(); }));
}

}  // namespace
}  // namespace shardlog
