#include "tools/stream-serve/api/settings_actions.h"

#include <fmt/format.h>

#include <limits>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shard_limit.h"
#include "tools/stream-serve/api/shards.h"

namespace shardlog::serve::api {

namespace {

using std::chrono::hours;

constexpr std::int64_t least_hours = 24;
constexpr std::int64_t most_hours = 8760;
constexpr std::uint64_t most_on_demand_streams = 50;  // "OnDemandStreamCountLimit"; it is shown, and not enforced

void update(ServedStream& served, const SettingsChange& change) {
  served.write([&change](Stream& stream) { stream.maintenance().update(change); });
}

Check check_hours(std::int64_t wanted) {
  if (wanted < least_hours) {
    return Refusal{invalid_argument,
                   fmt::format("Minimum allowed retention period is {} hours. Requested retention period ({} hours) is "
                               "too short.",
                               least_hours, wanted)};
  }
  if (wanted <= most_hours) return std::nullopt;
  return Refusal{
      invalid_argument,
      fmt::format("Maximum allowed retention period is {} hours. Requested retention period ({} hours) is too "
                  "long.",
                  most_hours, wanted)};
}

/// Changes the retention, if that goes the way that the action is for. Nobody else in this server changes the stream
/// meanwhile.
Check change_retention_of(const Call& call, Stream& stream, std::int64_t wanted, bool is_increase) {
  const Duration existing = stream.describe().settings.retention;
  if (is_increase ? existing > hours(wanted) : existing < hours(wanted)) {
    return Refusal{invalid_argument,
                   fmt::format("Requested retention period ({} hours) for stream {} can not be {} than existing "
                               "retention period ({} hours). Use {}RetentionPeriod API.",
                               wanted, std::get<std::string>(stream_named(call)), is_increase ? "shorter" : "longer",
                               hours_of(existing), is_increase ? "Decrease" : "Increase")};
  }
  SettingsChange change;
  change.retention = hours(wanted);
  stream.maintenance().update(change);
  return std::nullopt;
}

Check change_retention(Call& call, bool is_increase) {
  return with_stream(call, [&call, is_increase](ServedStream& served, const StreamDescription&) -> Check {
    const std::int64_t wanted = number_of(call.input, "RetentionPeriodHours").value_or(0);
    if (auto refused = check_hours(wanted)) return refused;
    Check refused;
    served.write([&](Stream& stream) { refused = change_retention_of(call, stream, wanted, is_increase); });
    return refused;
  });
}

Check increase_retention(Call& call) {
  return change_retention(call, true);
}

Check decrease_retention(Call& call) {
  return change_retention(call, false);
}

Check update_max_record_size(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription&) -> Check {
    SettingsChange change;
    change.max_record_size = static_cast<std::uint64_t>(number_of(call.input, "MaxRecordSizeInKiB").value_or(0)) * 1024;
    update(served, change);
    return std::nullopt;
  });
}

Check describe_limits(Call& call) {
  const Totals totals = totals_of(call.environment.catalogue);
  call.output.begin_structure();
  call.output.number("ShardLimit", call.environment.shard_limit);
  call.output.number("OpenShardCount", totals.open_shards);
  call.output.number("OnDemandStreamCount", totals.on_demand_streams);
  call.output.number("OnDemandStreamCountLimit", most_on_demand_streams);
  call.output.end_structure();
  return std::nullopt;
}

void write_commitment(wire::Writer& to, const AccountSettings::Commitment& commitment) {
  to.begin_structure();
  to.key("MinimumThroughputBillingCommitment");
  to.begin_structure();
  to.text("Status", commitment.enabled ? "ENABLED" : "DISABLED");
  if (commitment.started_at) to.time("StartedAt", *commitment.started_at);
  if (commitment.ended_at) to.time("EndedAt", *commitment.ended_at);
  to.end_structure();
  to.end_structure();
}

Check describe_account_settings(Call& call) {
  write_commitment(call.output, call.environment.account_settings.commitment());
  return std::nullopt;
}

Check update_account_settings(Call& call) {
  const bool enabled = text_of(*call.input.find("MinimumThroughputBillingCommitment"), "Status") == "ENABLED";
  write_commitment(call.output, call.environment.account_settings.commit(enabled, call.environment.clock.now()));
  return std::nullopt;
}

Type any_integer() {
  return integer(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
}

}  // namespace

std::vector<Action> settings_actions() {
  const std::vector<Member> retention{
      {"RetentionPeriodHours", any_integer(), true}, {"StreamName", name()}, {"StreamARN", stream_arn()}};
  return {
      {"IncreaseStreamRetentionPeriod", retention, &increase_retention, false, Needs::active},
      {"DecreaseStreamRetentionPeriod", retention, &decrease_retention, false, Needs::active},
      {"UpdateMaxRecordSize",
       {{"MaxRecordSizeInKiB", integer(1024, 10240), true}, {"StreamARN", stream_arn()}},
       &update_max_record_size,
       false,
       Needs::active},
      {"DescribeLimits", {}, &describe_limits},
      {"DescribeAccountSettings", {}, &describe_account_settings},
      {"UpdateAccountSettings",
       {{"MinimumThroughputBillingCommitment", structure({{"Status", enumeration({"ENABLED", "DISABLED"}), true}}),
         true}},
       &update_account_settings},
  };
}

}  // namespace shardlog::serve::api
