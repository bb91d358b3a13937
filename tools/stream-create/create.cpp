#include <fmt/format.h>

#include <algorithm>

#include "tools/common/escapes.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-create/options.h"

namespace shardlog::cli {

namespace {

Tags parse_tags(const std::vector<std::string>& texts) {
  Tags tags;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::usage, "--tag " + quote(text) + ": it is written KEY=VALUE");
    }
    tags[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return tags;
}

void check_untags(const std::vector<std::string>& keys, const Tags& tags) {
  for (const std::string& key : keys) {
    if (key.empty() || key.find('=') != std::string::npos) {
      throw Error(ErrorCode::usage, "--untag " + quote(key) + ": it is the KEY of a tag, which has no =");
    }
    if (tags.contains(key)) throw Error(ErrorCode::usage, "--untag " + quote(key) + ": --tag sets the same key");
  }
}

void update(const CreateCommand& command, const Context& context) {
  SettingsChange change;
  change.max_record_size = command.max_record_size;
  change.retention = command.retention;
  change.compression = command.compression;
  change.repair_clock = command.repair_clock;
  change.accept_loss = command.accept_loss;
  for (const auto& [key, value] : parse_tags(command.tags)) change.tags.emplace(key, value);
  for (const std::string& key : command.untags) change.tags.emplace(key, std::nullopt);
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  const Capabilities& can = stream->capabilities();
  require(!command.repair_clock || can.repairs, "--repair-clock", can);
  require(!command.accept_loss || can.repairs, "--accept-loss", can);
  stream->maintenance().update(change);
}

void refuse_what_cannot_be_updated(const CreateCommand& command) {
  if (command.shards)
    throw Error(ErrorCode::usage, "--shards: the shards of a stream that is there cannot be changed by --update");
  if (command.group) throw Error(ErrorCode::usage, "--group: who may use a stream is chosen when it is created");
}

bool has(const Tags& tags, const Tags& asked) {
  return std::all_of(asked.begin(), asked.end(), [&](const auto& tag) {
    const auto found = tags.find(tag.first);
    return found != tags.end() && found->second == tag.second;
  });
}

/// A warning for each setting of the stream that is not as asked for.
void warn_of_differences(const CreateCommand& command, const StreamDescription& stream, const Context& context) {
  const auto warn = [&](const std::string& what) {
    context.warn(fmt::format("stream {} is there, {}", quote(shown_name(command.stream)), what));
  };
  const auto compare = [&](const auto& asked, const auto& there, const char* option) {
    if (asked && *asked != there) warn(fmt::format("and its {} is not as asked: --update sets it", option));
  };
  const std::size_t shards = stream.map.open_shards().size();
  if (command.shards && *command.shards != shards) {
    warn(fmt::format("with {}: stream-reshard scale {} {} changes that", format_count(shards, "shard"),
                     shell_word(shown_name(command.stream)), *command.shards));
  }
  compare(command.max_record_size, stream.settings.max_record_size, "--max-record-size");
  compare(command.retention, stream.settings.retention, "--retention");
  compare(command.compression, stream.settings.compression, "--compression");
  compare(std::optional(has(stream.settings.tags, parse_tags(command.tags))), true, "--tag");
}

/// What is there has to be a stream that can be used.
void accept(const CreateCommand& command, const Context& context) {
  if (command.update) update(command, context);
  const auto stream = open_stream(address_of(command.stream), Access::read, context);
  warn_of_differences(command, stream->describe(), context);
  context.detail("stream " + quote(address_of(command.stream)) + " is there");
}

}  // namespace

ExitStatus run_create(const CreateCommand& command, const Context& context) {
  if (command.remove) {
    remove_stream(address_of(command.stream), context.open_options(Access::write), context.clock);
    return ExitStatus::success;
  }
  check_untags(command.untags, parse_tags(command.tags));
  if (command.update && !command.if_missing) {
    refuse_what_cannot_be_updated(command);
    update(command, context);
    return ExitStatus::success;
  }
  const auto engine = engine_of(address_of(command.stream));
  require(!command.group || engine->capabilities().groups, "--group", engine->capabilities());
  require(!command.force || engine->capabilities().repairs, "--force", engine->capabilities());
  CreateOptions options;
  options.shards = command.shards.value_or(options.shards);
  options.settings.max_record_size = command.max_record_size.value_or(options.settings.max_record_size);
  options.settings.retention = command.retention.value_or(options.settings.retention);
  options.settings.compression = command.compression.value_or(options.settings.compression);
  options.settings.tags = parse_tags(command.tags);
  options.group = command.group;
  options.unsafe_file_system = command.force;
  try {
    create(address_of(command.stream), options, context.clock);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exists || !command.if_missing) throw;
    accept(command, context);
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
