#include "tools/stream-serve/api/stream_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/kept_actions.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shard_limit.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/api/tags.h"

namespace shardlog::serve::api {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t on_demand_shards = 4;
constexpr std::int64_t default_limit = 100;  // of names and shards in an answer
constexpr std::int64_t most_listed = 1000;   // streams in an answer, whatever the limit is
constexpr Duration listing_time = 1s;        // then the page of streams ends

constexpr std::string_view name_of(Mode mode) {
  return mode == Mode::on_demand ? "ON_DEMAND" : "PROVISIONED";
}

/// The settings that a request to create a stream asks for; records stay for a day.
Result<CreateOptions> options_of(const wire::Value& input) {
  CreateOptions options;
  options.settings.retention = 24h;
  const auto count = number_of(input, "ShardCount");
  const wire::Value* const details = input.find("StreamModeDetails");
  const bool is_on_demand = details != nullptr ? text_of(*details, "StreamMode") == "ON_DEMAND" : !count;
  if (!is_on_demand && !count) return Refusal{validation, "ShardCount must be specified for PROVISIONED streams."};
  if (is_on_demand && count) return Refusal{invalid_argument, "ShardCount cannot be specified for ON_DEMAND streams."};
  options.settings.mode = is_on_demand ? Mode::on_demand : Mode::provisioned;
  options.shards = is_on_demand ? on_demand_shards : static_cast<std::uint32_t>(*count);
  const auto warm = warm_throughput_in(input, options.settings.mode);
  if (const auto* const refused = std::get_if<Refusal>(&warm)) return *refused;
  change_values(options.attributes, std::get<ValueChanges>(warm));
  if (const auto size = number_of(input, "MaxRecordSizeInKiB")) {
    options.settings.max_record_size = static_cast<std::uint64_t>(*size) * 1024;
  }
  const ValueChanges tags = tags_in(input);
  if (const auto refused = check_characters(tags)) return *refused;
  change_values(options.settings.tags, tags);
  if (options.settings.tags.size() > most_tags) {
    return Refusal{invalid_argument, fmt::format("A stream can have at most {} tags.", most_tags)};
  }
  return options;
}

Check create_stream(Call& call) {
  const std::string name = text_of(call.input, "StreamName").value_or("");
  if (!is_stream_name(name)) return Refusal{invalid_argument, fmt::format("StreamName {} cannot be used.", name)};
  auto options = options_of(call.input);
  if (const Refusal* const refused = refusal_of(options)) return *refused;
  const CreateOptions& wanted = std::get<CreateOptions>(options);
  const Refusal exists{resource_in_use,
                       fmt::format("Stream {} under account {} already exists.", name, call.account.id)};
  const std::vector<std::string> names = call.environment.catalogue.names();
  if (call.environment.transitions.deleted(name) || std::binary_search(names.begin(), names.end(), name)) return exists;
  if (auto refused = check_shard_limit(call, wanted.shards)) return refused;
  try {
    call.environment.catalogue.create(name, wanted);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::exists) throw;
    return exists;
  }
  call.environment.transitions.begin(name, Transitions::State::creating);
  return std::nullopt;
}

/// A stream with registered consumers is deleted only if the request says so.
Check check_consumers(Call& call) {
  const wire::Value* const enforce = call.input.find("EnforceConsumerDeletion");
  if (enforce != nullptr && enforce->boolean) return std::nullopt;
  return with_stream(call, [&call](ServedStream&, const StreamDescription& described) -> Check {
    if (consumers_of(described.attributes).empty()) return std::nullopt;
    return Refusal{
        resource_in_use,
        fmt::format("Stream {} under account {} has registered consumers, and EnforceConsumerDeletion is not "
                    "true.",
                    std::get<std::string>(stream_named(call)), call.account.id)};
  });
}

Check delete_stream(Call& call) {
  auto name = stream_named(call);
  if (const Refusal* const refused = refusal_of(name)) return *refused;
  const std::string& stream = std::get<std::string>(name);
  if (!is_stream_name(stream)) return no_stream(call, stream);
  if (auto refused = check_consumers(call)) return refused;
  try {
    StreamDescription described = call.environment.catalogue.describe(stream);
    call.environment.catalogue.remove(stream);
    call.environment.transitions.begin_deleting(stream, std::move(described));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return no_stream(call, stream);
  }
  return std::nullopt;
}

/// The stream as clients see it: while it is being deleted, as it was.
struct Shown {
  StreamDescription described;
  std::string_view status;
};

constexpr std::string_view deleting = "DELETING";

void write_mode(wire::Writer& output, Mode mode) {
  output.key("StreamModeDetails");
  output.begin_structure();
  output.text("StreamMode", name_of(mode));
  output.end_structure();
}

/// Nullopt if it was removed meanwhile, or cannot be opened at once.
std::optional<Shown> find_shown(const Call& call, const std::string& name) {
  try {
    return Shown{call.environment.catalogue.describe(name, Duration(0)),
                 name_of(call.environment.transitions.state_of(name))};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) return std::nullopt;
  }
  auto deleted = call.environment.transitions.deleted(name);
  return deleted ? std::optional(Shown{std::move(*deleted), deleting}) : std::nullopt;
}

/// What is told of a stream in a list.
struct Summary {
  std::string name;
  std::string_view status;
  Mode mode;
  Timestamp created_at;
};

void write_summary(const Call& call, const Summary& summary) {
  call.output.begin_structure();
  call.output.text("StreamName", summary.name);
  call.output.text("StreamARN", to_string(kinesis::StreamArn{call.account, summary.name}));
  call.output.text("StreamStatus", summary.status);
  write_mode(call.output, summary.mode);
  call.output.time("StreamCreationTimestamp", summary.created_at);
  call.output.end_structure();
}

/// The names of all streams after `start`, in order.
std::vector<std::string> names_after(const Call& call, const std::optional<std::string>& start) {
  std::vector<std::string> names = call.environment.catalogue.names();
  const std::vector<std::string> deleted = call.environment.transitions.all_deleted();
  names.insert(names.end(), deleted.begin(), deleted.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // one that was deleted may be there again
  if (start) names.erase(names.begin(), std::upper_bound(names.begin(), names.end(), *start));
  return names;
}

/// Adds to the summaries those of the first names, until they are enough or it takes too long. Returns of how many
/// names: at least one.
std::size_t summarize(const Call& call, std::span<const std::string> names, std::vector<Summary>& summaries) {
  const Duration end = call.environment.clock.elapsed() + listing_time;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (const auto shown = find_shown(call, name)) {
      summaries.push_back({name, shown->status, shown->described.settings.mode, shown->described.created_at});
    }
    ++count;
    if (call.environment.clock.elapsed() >= end) break;
  }
  return count;
}

/// Each stream has to be opened for its summary, which may take long. So a page may have fewer than a client allows.
Check list_streams(Call& call) {
  const auto limit =
      static_cast<std::size_t>(std::min(most_listed, number_of(call.input, "Limit").value_or(default_limit)));
  const auto start = text_of(call.input, "ExclusiveStartStreamName");
  // The token is the last name of the page before it: it needs no secret, and survives everything.
  const std::vector<std::string> names = names_after(call, start ? start : text_of(call.input, "NextToken"));
  std::vector<Summary> summaries;
  const std::size_t count = summarize(call, std::span(names).first(std::min(limit, names.size())), summaries);
  wire::Writer& output = call.output;
  output.begin_structure();
  output.key("StreamNames");
  output.begin_list();
  for (std::size_t i = 0; i < count; ++i) output.text(names[i]);
  output.end_list();
  output.boolean("HasMoreStreams", count < names.size());
  if (count < names.size()) output.text("NextToken", names[count - 1]);
  output.key("StreamSummaries");
  output.begin_list();
  for (const Summary& summary : summaries) write_summary(call, summary);
  output.end_list();
  output.end_structure();
  return std::nullopt;
}

/// What both descriptions of a stream have.
void write_description(Call& call, const std::string& name, const StreamDescription& described,
                       std::string_view status) {
  wire::Writer& output = call.output;
  output.text("StreamName", name);
  output.text("StreamARN", to_string(kinesis::StreamArn{call.account, name}));
  output.text("StreamStatus", status);
  write_mode(output, described.settings.mode);
  output.number("RetentionPeriodHours", hours_of(described.settings.retention));
  output.time("StreamCreationTimestamp", described.created_at);
  output.key("EnhancedMonitoring");
  output.begin_list();
  output.begin_structure();
  output.key("ShardLevelMetrics");
  output.begin_list();
  for (const std::string_view metric : metrics_of(described.attributes)) output.text(metric);
  output.end_list();
  output.end_structure();
  output.end_list();
  const auto encryption_key = encryption_key_of(described.attributes);
  output.text("EncryptionType", encryption_key ? "KMS" : "NONE");
  if (encryption_key) output.text("KeyId", *encryption_key);
}

/// As with_stream(), also for a stream that is being deleted, unless there is a new one of its name.
Check with_description(Call& call, const std::function<Check(const StreamDescription&, std::string_view)>& use) {
  auto name = stream_named(call);
  if (const Refusal* const refused = refusal_of(name)) return *refused;
  const std::string& stream = std::get<std::string>(name);
  Transitions& transitions = call.environment.transitions;
  auto refused = with_stream(call, [&](ServedStream&, const StreamDescription& described) {
    return use(described, name_of(transitions.state_of(stream)));
  });
  if (!refused || refused->type != resource_not_found) return refused;
  const auto deleted = transitions.deleted(stream);
  return deleted ? use(*deleted, deleting) : refused;
}

Check describe_stream(Call& call) {
  return with_description(call, [&call](const StreamDescription& described, std::string_view status) -> Check {
    const auto limit = static_cast<std::size_t>(number_of(call.input, "Limit").value_or(default_limit));
    const auto start = text_of(call.input, "ExclusiveStartShardId");
    const auto after = start ? ShardId::parse(*start) : std::nullopt;
    if (start && !after)
      return Refusal{invalid_argument, fmt::format("ExclusiveStartShardId {} is not valid.", *start)};
    const Timestamp now = call.environment.clock.now();
    const ShardPage page = page_of(described.map, limit, [&](const Shard& shard) {
      return (!after || shard.id > *after) && is_visible(shard, described.settings, now);
    });
    const Numbering numbering(described.map);
    wire::Writer& output = call.output;
    output.begin_structure();
    output.key("StreamDescription");
    output.begin_structure();
    write_description(call, std::get<std::string>(stream_named(call)), described, status);
    output.key("Shards");
    output.begin_list();
    for (const Shard& shard : page.shards) write_shard(output, shard, numbering);
    output.end_list();
    output.boolean("HasMoreShards", page.has_more);
    output.end_structure();
    output.end_structure();
    return std::nullopt;
  });
}

Check describe_stream_summary(Call& call) {
  return with_description(call, [&call](const StreamDescription& described, std::string_view status) -> Check {
    wire::Writer& output = call.output;
    output.begin_structure();
    output.key("StreamDescriptionSummary");
    output.begin_structure();
    write_description(call, std::get<std::string>(stream_named(call)), described, status);
    output.number("OpenShardCount", described.map.open_shards().size());
    output.number("ConsumerCount", consumers_of(described.attributes).size());
    output.number("MaxRecordSizeInKiB", described.settings.max_record_size / 1024);
    const auto warm = warm_throughput_of(described.attributes);
    if (warm && described.settings.mode == Mode::on_demand) write_warm_throughput(output, *warm);
    output.end_structure();
    output.end_structure();
    return std::nullopt;
  });
}

Member mode_details() {
  return {"StreamModeDetails", structure({{"StreamMode", enumeration({"PROVISIONED", "ON_DEMAND"}), true}})};
}

}  // namespace

std::vector<Action> stream_actions() {
  return {
      {"CreateStream",
       {{"ShardCount", integer(1, 100'000)},
        {"StreamName", name(), true},
        mode_details(),
        {"Tags", tags()},
        {"MaxRecordSizeInKiB", integer(1024, 10240)},
        {"WarmThroughputMiBps", integer(0, INT32_MAX)}},
       &create_stream,
       false},
      {"DeleteStream",
       {{"StreamName", name()}, {"StreamARN", stream_arn()}, {"EnforceConsumerDeletion", boolean()}},
       &delete_stream,
       false},
      {"ListStreams",
       {{"Limit", integer(1, 10'000)}, {"ExclusiveStartStreamName", name()}, {"NextToken", text(1, 1'048'576)}},
       &list_streams},
      {"DescribeStream",
       {{"Limit", integer(1, 10'000)},
        {"ExclusiveStartShardId", name()},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &describe_stream,
       true,
       Needs::nothing,
       true},
      {"DescribeStreamSummary", {{"StreamName", name()}, {"StreamARN", stream_arn()}}, &describe_stream_summary},
  };
}

}  // namespace shardlog::serve::api
