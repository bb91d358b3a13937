#include <fmt/format.h>

#include "tools/common/open_stream.h"
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

void update(const CreateCommand& command, const Context& context) {
  if (command.shards)
    throw Error(ErrorCode::usage, "--shards: the shards of a stream that is there cannot be changed by --update");
  if (command.group) throw Error(ErrorCode::usage, "--group: who may use a stream is chosen when it is created");
  SettingsChange change;
  change.max_record_size = command.max_record_size;
  change.retention = command.retention;
  change.compression = command.compression;
  change.repair_clock = command.repair_clock;
  change.tags = parse_tags(command.tags);
  open_stream(address_of(command.stream), Access::write, context)->update(change);
}

}  // namespace

ExitStatus run_create(const CreateCommand& command, const Context& context) {
  if (command.update) {
    update(command, context);
    return ExitStatus::success;
  }
  CreateOptions options;
  options.shards = command.shards.value_or(options.shards);
  options.settings.max_record_size = command.max_record_size.value_or(options.settings.max_record_size);
  options.settings.retention = command.retention.value_or(options.settings.retention);
  options.settings.compression = command.compression.value_or(options.settings.compression);
  options.settings.tags = parse_tags(command.tags);
  options.group = command.group;
  options.unsafe_file_system = command.force;
  const std::string address = address_of(command.stream);
  try {
    create(address, options, context.clock);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exists || !command.if_missing) throw;
    // What is there has to be a stream that can be used.
    open_stream(address, Access::read, context);
    context.detail("stream " + quote(address) + " is there");
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
