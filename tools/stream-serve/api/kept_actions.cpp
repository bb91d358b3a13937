#include "tools/stream-serve/api/kept_actions.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/model.h"

namespace shardlog::serve::api {

namespace {

void set_attributes(ServedStream& served, const ValueChanges& changes) {
  SettingsChange change;
  change.attributes = changes;
  served.write([&change](Stream& stream) { stream.maintenance().update(change); });
}

/// The metrics that a request names; ALL names all.
std::vector<std::string_view> named_metrics(const wire::Value& input) {
  std::vector<std::string_view> metrics;
  for (const wire::Value& metric : input.find("ShardLevelMetrics")->items) metrics.push_back(metric.text);
  return std::find(metrics.begin(), metrics.end(), "ALL") == metrics.end() ? metrics : metric_names();
}

void write_metrics(wire::Writer& to, std::string_view key, const std::vector<std::string_view>& metrics) {
  to.key(key);
  to.begin_list();
  for (const std::string_view metric : metrics) to.text(metric);
  to.end_list();
}

using Metrics = std::vector<std::string_view>;

Metrics changed(const Metrics& before, const Metrics& named, bool enable) {
  const auto has = [](const Metrics& metrics, std::string_view metric) {
    return std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
  };
  Metrics after;
  for (const std::string_view metric : metric_names()) {
    if (has(named, metric) ? enable : has(before, metric)) after.push_back(metric);
  }
  return after;
}

Check change_metrics(Call& call, bool enable) {
  return with_stream(call, [&call, enable](ServedStream& served, const StreamDescription&) -> Check {
    Metrics before;
    Metrics after;
    served.write([&](Stream& stream) {  // nobody else in this server changes the stream meanwhile
      before = metrics_of(stream.describe().attributes);
      after = changed(before, named_metrics(call.input), enable);
      SettingsChange change;
      change.attributes = with_metrics(after);
      stream.maintenance().update(change);
    });
    const std::string name = std::get<std::string>(stream_named(call));
    call.output.begin_structure();
    call.output.text("StreamName", name);
    write_metrics(call.output, "CurrentShardLevelMetrics", before);
    write_metrics(call.output, "DesiredShardLevelMetrics", after);
    call.output.text("StreamARN", to_string(kinesis::StreamArn{call.account, name}));
    call.output.end_structure();
    return std::nullopt;
  });
}

Check enable_monitoring(Call& call) {
  return change_metrics(call, true);
}

Check disable_monitoring(Call& call) {
  return change_metrics(call, false);
}

Check change_encryption(Call& call, bool start) {
  return with_stream(call, [&call, start](ServedStream& served, const StreamDescription&) -> Check {
    if (text_of(call.input, "EncryptionType") != "KMS") {
      return Refusal{invalid_argument, "EncryptionType must be KMS."};
    }
    set_attributes(served, with_encryption_key(start ? text_of(call.input, "KeyId") : std::nullopt));
    return std::nullopt;
  });
}

Check start_encryption(Call& call) {
  return change_encryption(call, true);
}

Check stop_encryption(Call& call) {
  return change_encryption(call, false);
}

Check update_mode(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription&) -> Check {
    SettingsChange change;
    const bool is_on_demand = text_of(*call.input.find("StreamModeDetails"), "StreamMode") == "ON_DEMAND";
    change.mode = is_on_demand ? Mode::on_demand : Mode::provisioned;
    const auto warm = warm_throughput_in(call.input, *change.mode);
    if (const auto* const refused = std::get_if<Refusal>(&warm)) return *refused;
    change.attributes = std::get<ValueChanges>(warm);
    served.write([&change](Stream& stream) { stream.maintenance().update(change); });
    return std::nullopt;
  });
}

Check update_warm_throughput(Call& call) {
  return with_stream(call, [&call](ServedStream& served, const StreamDescription& described) -> Check {
    const auto changes = warm_throughput_in(call.input, described.settings.mode);
    if (const auto* const refused = std::get_if<Refusal>(&changes)) return *refused;
    set_attributes(served, std::get<ValueChanges>(changes));
    const std::string name = std::get<std::string>(stream_named(call));
    call.output.begin_structure();
    call.output.text("StreamARN", to_string(kinesis::StreamArn{call.account, name}));
    call.output.text("StreamName", name);
    write_warm_throughput(call.output, number_of(call.input, "WarmThroughputMiBps").value_or(0));
    call.output.end_structure();
    return std::nullopt;
  });
}

}  // namespace

Result<ValueChanges> warm_throughput_in(const wire::Value& input, Mode mode) {
  constexpr std::int64_t most_mib_per_second = 10L * 1024;  // (Kinesis API, "UpdateStreamWarmThroughput")
  const auto wanted = number_of(input, "WarmThroughputMiBps");
  if (!wanted) return ValueChanges{};
  if (mode != Mode::on_demand) {
    return Refusal{validation, "Request is invalid. Streams of the mode PROVISIONED have no warm throughput."};
  }
  if (*wanted <= most_mib_per_second) return with_warm_throughput(*wanted);
  return Refusal{invalid_argument,
                 fmt::format("WarmThroughputMiBps {} is more than {}.", *wanted, most_mib_per_second)};
}

std::vector<Action> kept_actions() {
  std::vector<std::string_view> names = metric_names();
  names.emplace_back("ALL");
  const std::vector<Member> metrics{{"ShardLevelMetrics", list_of(enumeration(names), 1, 7), true},
                                    {"StreamName", name()},
                                    {"StreamARN", stream_arn()}};
  const std::vector<Member> encryption{{"EncryptionType", enumeration({"NONE", "KMS"}), true},
                                       {"KeyId", text(1, 2048), true},
                                       {"StreamName", name()},
                                       {"StreamARN", stream_arn()}};
  const Type warm = integer(0, INT32_MAX);
  return {
      {"EnableEnhancedMonitoring", metrics, &enable_monitoring, true, Needs::active},
      {"DisableEnhancedMonitoring", metrics, &disable_monitoring, true, Needs::active},
      {"StartStreamEncryption", encryption, &start_encryption, false, Needs::active},
      {"StopStreamEncryption", encryption, &stop_encryption, false, Needs::active},
      {"UpdateStreamMode",
       {{"StreamARN", stream_arn(), true},
        {"StreamModeDetails", structure({{"StreamMode", enumeration({"PROVISIONED", "ON_DEMAND"}), true}}), true},
        {"WarmThroughputMiBps", warm}},
       &update_mode,
       false,
       Needs::active},
      {"UpdateStreamWarmThroughput",
       {{"StreamARN", stream_arn()}, {"StreamName", name()}, {"WarmThroughputMiBps", warm, true}},
       &update_warm_throughput,
       true,
       Needs::active},
  };
}

}  // namespace shardlog::serve::api
