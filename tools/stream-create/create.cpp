#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/common/escapes.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-create/options.h"

namespace shardlog::cli {

namespace {

/// Throws usage if they are outside their bounds.
StreamSettings settings_of(const SettingsChange& given) {
  StreamSettings settings;
  apply(settings, given);
  return settings;
}

/// A stream that blocks, and in which nothing ever makes room.
void warn_of_blocking(const CreateCommand& command, Stream& stream, const Context& context) {
  const StreamSettings settings = stream.describe().settings;
  const bool blocks = settings.max_bytes != unbounded && settings.when_full == WhenFull::block;
  if (!blocks || settings.retention != forever || !stream.leases().all().empty()) return;
  const std::string name = shown_name(command.stream);
  context.warn(
      fmt::format("stream {} has no consumer and no retention: once it holds {}, writers wait until a consumer "
                  "(stream-get {} -c NAME) makes room",
                  quote(name), format_size(settings.max_bytes), shell_word(name)));
}

/// Says what a person should know of a new stream.
void tell_of(const CreateCommand& command, const std::string& address, const Context& context) {
  const bool is_bounded = command.settings.max_bytes.value_or(unbounded) != unbounded;
  if (!is_bounded && !context.verbose) return;
  const auto stream = open_stream(address, Access::read, context);
  if (is_bounded) warn_of_blocking(command, *stream, context);
  context.detail(fmt::format("stream {}: what is stored survives {}", quote(shown_name(address)),
                             survived(stream->capabilities().survives)));
}

bool changes_room(const SettingsChange& settings) {
  return settings.max_bytes || settings.when_full || settings.retention;
}

/// A load that is not counted exactly cannot be scaled by.
void require_what_is_asked(const SettingsChange& settings, const Capabilities& can) {
  capacity::Limits limits;
  apply(limits, settings.limits);
  const bool is_bounded = settings.max_bytes.value_or(unbounded) != unbounded;
  require(can.exact_counts || settings.mode != Mode::on_demand, "--mode on-demand", can);
  require(can.limits || limits == capacity::Limits(), "--limits", can);
  require(can.bounds || !is_bounded, "--max-bytes", can);
  require(can.bounds || !settings.until_consumed.value_or(false), "--retention consumed", can);
}

/// `max_bytes` is that of the stream.
void check_when_full(const SettingsChange& settings, std::uint64_t max_bytes) {
  if (settings.when_full && max_bytes == unbounded) {
    throw Error(ErrorCode::usage, "--when-full: the stream is never full without --max-bytes");
  }
}

void update(const CreateCommand& command, const Context& context) {
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  const Capabilities& can = stream->capabilities();
  require(!command.settings.repair_clock || can.repairs, "--repair-clock", can);
  require(!command.settings.accept_loss || can.repairs, "--accept-loss", can);
  require_what_is_asked(command.settings, can);
  check_when_full(command.settings, command.settings.max_bytes.value_or(stream->describe().settings.max_bytes));
  stream->maintenance().update(command.settings);
  if (changes_room(command.settings)) warn_of_blocking(command, *stream, context);
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
  const auto retention = [](const auto& settings) { return std::pair(settings.retention, settings.until_consumed); };
  if (command.settings.retention) {
    compare(std::optional(retention(settings_of(command.settings))), retention(stream.settings), "--retention");
  }
  compare(command.settings.max_bytes, stream.settings.max_bytes, "--max-bytes");
  compare(command.settings.when_full, stream.settings.when_full, "--when-full");
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
  context.detail("stream " + quote(shown_name(address_of(command.stream))) + " exists");
}

}  // namespace

ExitStatus run_create(const CreateCommand& command, const Context& context) {
  if (command.remove) {
    remove_stream(with_servers(address_of(command.stream)), context.open_options(Access::write), context.clock);
    return ExitStatus::success;
  }
  if (command.update && !command.if_missing) {
    refuse_what_cannot_be_updated(command);
    update(command, context);
    return ExitStatus::success;
  }
  const std::string address = address_of(command.stream);
  const auto engine = engine_of(with_servers(address));
  require(!command.group || engine->capabilities().groups, "--group", engine->capabilities());
  require(!command.force || engine->capabilities().repairs, "--force", engine->capabilities());
  require_what_is_asked(command.settings, engine->capabilities());
  check_when_full(command.settings, command.settings.max_bytes.value_or(unbounded));
  const CreateOptions options{.shards = command.shards.value_or(1),
                              .settings = settings_of(command.settings),
                              .group = command.group,
                              .unsafe_file_system = command.force};
  try {
    engine->create(with_servers(address), options, context.clock);
    tell_of(command, address, context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exists || !command.if_missing) throw;
    accept(command, context);
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
