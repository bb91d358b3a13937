#include <fmt/format.h>

#include <algorithm>

#include "tools/common/escapes.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-create/options.h"

namespace shardlog::cli {

namespace {

StreamSettings settings_of(const SettingsChange& given) {
  StreamSettings settings;
  settings.max_record_size = given.max_record_size.value_or(settings.max_record_size);
  settings.retention = given.retention.value_or(settings.retention);
  settings.mode = given.mode.value_or(settings.mode);
  settings.compression = given.compression.value_or(settings.compression);
  apply(settings.limits, given.limits);
  for (const auto& [key, value] : given.tags) {
    if (value) settings.tags.emplace(key, *value);
  }
  return settings;
}

void require_limits(const CreateCommand& command, const Capabilities& can) {
  require(can.limits || settings_of(command.settings).limits == capacity::Limits(), "--limits", can);
}

/// A load that is not counted exactly cannot be scaled by.
void check_mode(const CreateCommand& command, const Capabilities& can) {
  require(command.settings.mode != Mode::on_demand || can.exact_counts, "--mode on-demand", can);
}

void update(const CreateCommand& command, const Context& context) {
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  const Capabilities& can = stream->capabilities();
  check_mode(command, can);
  require(!command.settings.repair_clock || can.repairs, "--repair-clock", can);
  require(!command.settings.accept_loss || can.repairs, "--accept-loss", can);
  require_limits(command, can);
  stream->maintenance().update(command.settings);
}

void refuse_what_cannot_be_updated(const CreateCommand& command) {
  if (command.shards)
    throw Error(ErrorCode::usage, "--shards: --update does not change the shards, stream-reshard does");
  if (command.group) throw Error(ErrorCode::usage, "--group: the group of a stream is chosen when it is created");
}

/// Warns of each setting of the stream that is not as asked.
void warn_of_differences(const CreateCommand& command, const StreamDescription& stream, const Context& context) {
  const auto warn = [&](const std::string& what) {
    context.warn(fmt::format("stream {} exists, {}", quote(shown_name(command.stream)), what));
  };
  const auto compare = [&](const auto& asked, const auto& there, const char* option) {
    if (asked && *asked != there) warn(fmt::format("and its {} is not as asked: --update sets it", option));
  };
  const std::size_t shards = stream.map.open_shards().size();
  if (command.shards && *command.shards != shards) {
    warn(fmt::format("with {}: stream-reshard scale {} {} changes that", format_count(shards, "shard"),
                     shell_word(shown_name(command.stream)), *command.shards));
  }
  compare(command.settings.max_record_size, stream.settings.max_record_size, "--max-record-size");
  compare(command.settings.retention, stream.settings.retention, "--retention");
  compare(command.settings.mode, stream.settings.mode, "--mode");
  compare(command.settings.compression, stream.settings.compression, "--compression");
  const capacity::Limits& limits = stream.settings.limits;
  compare(command.settings.limits.write_records, limits.write_records, "--write-records");
  compare(command.settings.limits.write_bytes, limits.write_bytes, "--write-bytes");
  compare(command.settings.limits.read_bytes, limits.read_bytes, "--read-bytes");
  compare(command.settings.limits.read_calls, limits.read_calls, "--read-calls");
  const Tags& tags = stream.settings.tags;
  const Tags asked = settings_of(command.settings).tags;
  const bool has_all = std::includes(tags.begin(), tags.end(), asked.begin(), asked.end());
  compare(std::optional(has_all), true, "--tag");
}

/// Accepts a stream that exists already, if it can be opened. With --update, changes its settings first.
void accept(const CreateCommand& command, const Context& context) {
  if (command.update) update(command, context);
  const auto stream = open_stream(address_of(command.stream), Access::read, context);
  warn_of_differences(command, stream->describe(), context);
  context.detail("stream " + quote(address_of(command.stream)) + " exists");
}

}  // namespace

ExitStatus run_create(const CreateCommand& command, const Context& context) {
  if (command.remove) {
    remove_stream(address_of(command.stream), context.open_options(Access::write), context.clock);
    return ExitStatus::success;
  }
  if (command.update && !command.if_missing) {
    refuse_what_cannot_be_updated(command);
    update(command, context);
    return ExitStatus::success;
  }
  const auto engine = engine_of(address_of(command.stream));
  check_mode(command, engine->capabilities());
  require(!command.group || engine->capabilities().groups, "--group", engine->capabilities());
  require(!command.force || engine->capabilities().repairs, "--force", engine->capabilities());
  require_limits(command, engine->capabilities());
  const CreateOptions options{.shards = command.shards.value_or(1),
                              .settings = settings_of(command.settings),
                              .group = command.group,
                              .unsafe_file_system = command.force};
  try {
    create(address_of(command.stream), options, context.clock);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exists || !command.if_missing) throw;
    accept(command, context);
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
