#include "tools/input/why_full.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "shardlog/core/printable.h"
#include "tools/common/escapes.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

struct Slowest {
  std::string consumer;
  Backlog backlog;
};

/// Nullopt if there are no consumers.
std::optional<Slowest> slowest_of(Stream& stream) {
  std::optional<Slowest> slowest;
  for (const Consumer& consumer : stream.leases().all()) {
    Backlog backlog = stream.maintenance().backlog(consuming::starts_of(consumer));
    if (slowest && backlog.total().value_or(0) <= slowest->backlog.total().value_or(0)) continue;
    slowest = Slowest{consumer.name, std::move(backlog)};
  }
  return slowest;
}

std::string text_of(const Backlog& backlog) {
  std::string text = "behind";
  if (const auto records = backlog.total()) text = format_count(*records, "record") + " behind";
  if (backlog.oldest) text += ", the first of " + to_rfc3339(*backlog.oldest);
  return text;
}

}  // namespace

std::string why_full(Stream& stream, const NoRoom& no_room, const std::string& name) {
  const std::string full =
      fmt::format("the stream is full, with {} of {}", format_size(no_room.held), format_size(no_room.most));
  const auto slowest = slowest_of(stream);
  if (slowest) {
    return fmt::format(
        "{}: waiting for consumer {}, which is {}; if nobody runs it any more: stream-get {} -c {} --forget", full,
        quote(slowest->consumer), text_of(slowest->backlog), shell_word(name), slowest->consumer);
  }
  if (stream.describe().settings.retention != forever)
    return full + ": waiting for retention, because it has no consumer";
  return fmt::format("{}, and no consumer makes room: stream-get {} -c NAME begins one", full, shell_word(name));
}

}  // namespace shardlog::cli
