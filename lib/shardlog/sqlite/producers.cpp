#include "shardlog/sqlite/producers.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include "shardlog/core/error.h"
#include "shardlog/core/utf8.h"
#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr const char* all_producers = "SELECT * FROM producers ORDER BY name, source";
constexpr std::size_t longest_name = 256;  // bytes
constexpr std::size_t longest_proof = 4096;

std::string text_of(const ProducerId& id) {
  return "producer " + quote(id.name) + (id.source.empty() ? "" : " (source " + quote(id.source) + ")");
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

void check_position(const ProducerId& id, const ProducerPosition& position, ErrorCode code) {
  if (id.name.empty() || id.name.size() > longest_name || !utf8_length(id.name)) {
    throw Error(code,
                fmt::format("producer {}: a producer's name is 1 to {} bytes of UTF-8", quote(id.name), longest_name));
  }
  if (id.source.size() > longest_name || !utf8_length(id.source)) {
    throw Error(code, fmt::format("{}: a producer's source is at most {} bytes of UTF-8", text_of(id), longest_name));
  }
  if (position.proof.size() > longest_proof) {
    throw Error(code, fmt::format("{}: a proof of {} bytes: at most {} are allowed", text_of(id), position.proof.size(),
                                  longest_proof));
  }
}

/// The row that the statement stands on.
Producer read_producer(SQLite::Statement& row) {
  const ProducerId id{row.getColumn(0).getString(), row.getColumn(1).getString()};
  const auto position = SequenceNumber::parse(row.getColumn(2).getString());
  if (position) {
    Producer producer{id, {*position, row.getColumn(3).getString()}, Timestamp(Duration(row.getColumn(4).getInt64()))};
    if (row.getColumn(5).getInt64() == checksum_of(producer)) {
      check_position(id, producer.position, ErrorCode::corrupt);
      stored_time(text_of(id) + ": moved_at", microseconds(producer.moved_at));
      return producer;
    }
  }
  throw_corrupt(text_of(id) + ": checksum mismatch");
}

[[noreturn]] void fence(const ProducerMove& move, const std::optional<Producer>& found) {
  const std::string expected = move.from ? move.from->to_string() : "the start";
  throw Error(ErrorCode::fenced,
              found ? fmt::format("{} is at {}, not at {} as expected: another run has moved it on", text_of(move.id),
                                  found->position.sequence.to_string(), expected)
                    : fmt::format("{} is not at {} as expected: it was forgotten", text_of(move.id), expected));
}

}  // namespace

void check_moves(std::span<const ProducerMove> moves) {
  for (const ProducerMove& move : moves) check_position(move.id, move.to, ErrorCode::usage);
}

std::vector<Producer> Producers::all() {
  std::vector<Producer> producers;
  Use rows = statements_.use(all_producers);
  while (rows->executeStep()) producers.push_back(read_producer(*rows));
  return producers;
}

std::vector<Producer> Producers::of(const std::string& name) {
  std::vector<Producer> producers = all();
  std::erase_if(producers, [&](const Producer& producer) { return producer.id.name != name; });
  return producers;
}

std::optional<Producer> Producers::find(const ProducerId& id) {
  Use row = statements_.use("SELECT * FROM producers WHERE name = ? AND source = ?", id.name, id.source);
  if (row->executeStep()) return read_producer(*row);
  all();
  return std::nullopt;
}

void Producers::store(const Producer& producer) {
  statements_.upsert("producers", producer.id.name, producer.id.source, producer.position.sequence.to_string(),
                     Blob(producer.position.proof), producer.moved_at, checksum_of(producer));
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
  if (statements_.use("DELETE FROM producers WHERE name = ?", name)->exec() > 0) return true;
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
  Use rows = statements_.use(all_producers);
  while (rows->executeStep()) {
    try {
      read_producer(*rows);
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

}  // namespace shardlog::sqlite
