#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/option_table.h"
#include "tools/common/sampler.h"
#include "tools/common/tool.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

/// Where in a record's data its partition key may stand.
struct KeyPlace {
  enum class Kind { field, pointer, regex, delimiter };

  Kind kind;
  std::string text{};       ///< the JSON pointer, the expression or the delimiter
  std::uint32_t field = 0;  ///< its number, from 1; 0 where it has a name instead
  std::size_t name = 0;     ///< which of Framing::names that is
};

/// Where a record's partition key comes from: from a constant or from its data.
struct KeyOptions {
  std::optional<std::string> constant;
  std::vector<KeyPlace> places;        ///< tried in turn
  std::optional<std::string> missing;  ///< error (as nothing is), none, or the key to take instead
  std::optional<HashKey> hash_key;     ///< of all records, beside their keys

  /// Whether each record's key is looked for in its data.
  [[nodiscard]] bool extracted() const { return !places.empty(); }
  /// The most bytes of a piece that are neither data nor key.
  [[nodiscard]] std::size_t taken_off() const;
  /// Whether records are to have a key or an explicit hash key.
  [[nodiscard]] bool any() const { return constant || extracted() || hash_key; }
};

struct SampleOptions {
  std::optional<double> percent;
  Sampler::By by = Sampler::By::record;
};

struct PutCommand {
  std::string stream;
  std::vector<std::string> files;  ///< none means standard input, as "-" does
  Framing framing;
  bool keep_times = false;  ///< of frames: records arrive when they arrived where they were
  KeyOptions key;
  bool ack = false;
  Sync sync = Sync::full;
  Duration linger{0};
  bool skip_errors = false;
  std::optional<std::uint64_t> rate;  ///< records a second
  SampleOptions sample;
  std::optional<std::string> producer;  ///< its id: exactly once
  bool forget = false;                  ///< that producer, and nothing else is done
};

void define(OptionTable& options, PutCommand& command);

/// Throws usage where options do not go together.
void check(const PutCommand& command);

/// Removes the places of the producer. Throws not_found where it has none.
ExitStatus run_forget(const PutCommand& command, const Context& context);

ExitStatus run_put(const PutCommand& command, const Context& context);

}  // namespace shardlog::cli
