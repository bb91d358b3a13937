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

/// A part of a record's data that may be its partition key.
struct KeyField {
  enum class Kind { separated, pointer, regex, delimiter };

  Kind kind;
  std::string text{};        ///< the JSON pointer, the expression, or the delimiter that follows the key
  std::uint32_t number = 0;  ///< of a separated field, counted from 1; 0 if it has a name instead
  std::size_t name = 0;      ///< index in Framing::names
};

/// Where partition keys come from: a constant, or a field of each record.
struct KeyOptions {
  std::optional<std::string> constant;
  std::vector<KeyField> fields;        ///< tried in turn
  std::optional<std::string> missing;  ///< error (the default), none, or the key to use instead
  std::optional<HashKey> hash_key;     ///< of all records, with or without keys

  /// The most bytes of a piece that are neither data nor key.
  [[nodiscard]] std::size_t taken_off() const;
  /// Whether records get a key or an explicit hash key.
  [[nodiscard]] bool any() const { return constant || !fields.empty() || hash_key; }
};

/// What is done when the stream's limits leave no capacity (capacity/writing.h).
enum class OnThrottle { block, fail, drop, sample };

struct PutCommand {
  std::string stream;
  std::vector<std::string> files;  ///< "-" is standard input, which is also read if there are none
  Framing framing;
  bool keep_times = false;  ///< of frames: records keep their arrival times
  KeyOptions key;
  bool ack = false;
  Sync sync = Sync::full;
  bool full_sync_asked = false;  ///< it is not only the default
  Duration linger{0};
  bool skip_errors = false;
  std::optional<std::uint64_t> rate;  ///< records a second
  std::optional<double> sample_percent;
  Sampler::By sample_by = Sampler::By::record;
  OnThrottle on_throttle = OnThrottle::block;
  /// Under the limits of the stream: about the bytes that its shards store in 100 ms. What takes longer is left in the
  /// pipe.
  std::optional<std::size_t> paced{};
  std::size_t largest_append = SIZE_MAX;      ///< of the stream's Capabilities
  std::size_t sources_per_append = SIZE_MAX;  ///< the same
  std::optional<std::string> producer;        ///< its id; each record is then stored exactly once
  bool forget = false;                        ///< remove that producer and do nothing else

  /// Whether the pieces of the input are stored as they are, as records without keys.
  [[nodiscard]] bool as_they_stand() const { return !framing.keyed() && !key.any() && !sample_percent; }
};

void define(OptionTable& options, PutCommand& command);

/// Throws usage if options do not go together.
void check(const PutCommand& command);

/// Removes the producer. Throws not_found if the stream does not know it.
ExitStatus run_forget(const PutCommand& command, const Context& context);

ExitStatus run_put(PutCommand command, const Context& context);

}  // namespace shardlog::cli
