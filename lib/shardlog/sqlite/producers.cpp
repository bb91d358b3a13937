#include "shardlog/sqlite/producers.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include "shardlog/core/error.h"
#include "shardlog/core/utf8.h"
#include "shardlog/sqlite/prepared.h"
#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t longest_name = 256;  // bytes
constexpr std::size_t longest_proof = 4096;

std::string text_of(const ProducerId& id) {
  return "producer " + quote(id.name) + (id.source.empty() ? "" : " (source " + quote(id.source) + ")");
}

std::int64_t microseconds(Timestamp time) {
  return time.time_since_epoch().count();
}

std::int64_t checksum_of(const Producer& producer) {
  return RowChecksum()
      .add(producer.id.name)
      .add(producer.id.source)
      .add(producer.position.sequence.to_string())
      .add(producer.position.proof)
      .add(microseconds(producer.moved_at))
      .value();
}

void check_place(const ProducerId& id, const ProducerPosition& place, ErrorCode code) {
  if (id.name.empty() || id.name.size() > longest_name || !utf8_length(id.name)) {
    throw Error(code,
                fmt::format("producer {}: a producer's name is 1 to {} bytes of UTF-8", quote(id.name), longest_name));
  }
  if (id.source.size() > longest_name || !utf8_length(id.source)) {
    throw Error(code, fmt::format("{}: a producer's source is at most {} bytes of UTF-8", text_of(id), longest_name));
  }
  if (place.proof.size() > longest_proof) {
    throw Error(code,
                fmt::format("{}: a proof of {} bytes, the most is {}", text_of(id), place.proof.size(), longest_proof));
  }
}

/// What is stored under a right checksum.
void check_stored(const Producer& producer) {
  check_place(producer.id, producer.position, ErrorCode::corrupt);
  stored_time(text_of(producer.id) + ": moved_at", microseconds(producer.moved_at));
}

/// The row that the statement stands on.
Producer read_row(SQLite::Statement& row) {
  const ProducerId id{row.getColumn(0).getString(), row.getColumn(1).getString()};
  const auto position = SequenceNumber::parse(row.getColumn(2).getString());
  if (position) {
    Producer producer{id, {*position, row.getColumn(3).getString()}, Timestamp(Duration(row.getColumn(4).getInt64()))};
    if (row.getColumn(5).getInt64() == checksum_of(producer)) {
      check_stored(producer);
      return producer;
    }
  }
  throw Error(ErrorCode::corrupt, text_of(id) + ": checksum mismatch");
}

[[noreturn]] void fence(const ProducerMove& move, const std::optional<Producer>& found) {
  if (!found) {
    throw Error(ErrorCode::fenced, fmt::format("{} has no place, and is not at {} as expected: it was forgotten",
                                               text_of(move.id), move.from->to_string()));
  }
  throw Error(ErrorCode::fenced,
              fmt::format("{} is at {}, not at {} as expected: another run has moved it on", text_of(move.id),
                          found->position.sequence.to_string(), move.from ? move.from->to_string() : "the start"));
}

}  // namespace

void check_moves(std::span<const ProducerMove> moves) {
  for (const ProducerMove& move : moves) check_place(move.id, move.to, ErrorCode::usage);
}

Producers::Producers(SQLite::Database& database)
    : select_all_(database,
                  "SELECT name, source, position, proof, moved_at, checksum FROM producers ORDER BY name, source"),
      select_(database,
              "SELECT name, source, position, proof, moved_at, checksum FROM producers WHERE name = ? AND source = ?"),
      replace_(database, upsert_into("producers")),
      remove_(database, "DELETE FROM producers WHERE name = ?") {}

std::vector<Producer> Producers::all() {
  std::vector<Producer> producers;
  Use rows(select_all_);
  while (rows->executeStep()) producers.push_back(read_row(*rows));
  return producers;
}

std::vector<Producer> Producers::of(const std::string& name) {
  std::vector<Producer> producers = all();
  std::erase_if(producers, [&](const Producer& producer) { return producer.id.name != name; });
  return producers;
}

std::optional<Producer> Producers::find(const ProducerId& id) {
  {
    Use row(select_);
    row->bind(1, id.name);
    row->bind(2, id.source);
    if (row->executeStep()) return read_row(*row);
  }
  Use rows(select_all_);
  while (rows->executeStep()) read_row(*rows);
  return std::nullopt;
}

void Producers::store(const Producer& producer) {
  Use row(replace_);
  row->bind(1, producer.id.name);
  row->bind(2, producer.id.source);
  row->bind(3, producer.position.sequence.to_string());
  row->bind(4, static_cast<const void*>(producer.position.proof.data()),
            static_cast<int>(producer.position.proof.size()));
  row->bind(5, microseconds(producer.moved_at));
  row->bind(6, checksum_of(producer));
  row->exec();
}

void Producers::move(std::span<const ProducerMove> moves, Timestamp now) {
  for (const ProducerMove& move : moves) {
    const auto found = find(move.id);
    const auto at = found ? std::optional(found->position.sequence) : std::nullopt;
    if (at != move.from) fence(move, found);
    store({move.id, move.to, now});
  }
}

bool Producers::forget(const std::string& name) {
  {
    Use row(remove_);
    row->bind(1, name);
    if (row->exec() > 0) return true;
  }
  all();
  return false;
}

void Producers::limit_times(Timestamp now) {
  for (Producer& producer : all()) {
    if (producer.moved_at <= now) continue;
    producer.moved_at = now;
    store(producer);
  }
}

void Producers::verify(const std::function<void(const std::string&)>& report) {
  Use rows(select_all_);
  while (rows->executeStep()) {
    try {
      read_row(*rows);
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

}  // namespace shardlog::sqlite
