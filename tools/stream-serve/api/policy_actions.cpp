#include "tools/stream-serve/api/policy_actions.h"

#include <fmt/format.h>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/resource.h"
#include "tools/stream-serve/wire/json_in.h"

namespace shardlog::serve::api {

namespace {

void change_attributes(ServedStream& served, ValueChanges changes) {
  SettingsChange change;
  change.attributes = std::move(changes);
  served.write([&change](Stream& stream) { stream.maintenance().update(change); });
}

Check check_policy(const std::string& policy) {
  if (policy.size() > most_policy_bytes) {
    return Refusal{invalid_argument,
                   fmt::format("The policy has {} bytes; it can have at most {}.", policy.size(), most_policy_bytes)};
  }
  const auto document = wire::read_json(policy);
  if (document && document->root.kind == wire::Value::Kind::structure) return std::nullopt;
  return Refusal{invalid_argument, "The policy is not a JSON object."};
}

Check put_policy(Call& call) {
  const std::string policy = text_of(call.input, "Policy").value_or("");
  if (auto refused = check_policy(policy)) return refused;
  return with_resource(call,
                       [&policy](ServedStream& served, const StreamDescription&, const std::string& consumer) -> Check {
                         change_attributes(served, with_policy(consumer, policy));
                         return std::nullopt;
                       });
}

Check get_policy(Call& call) {
  return with_resource(
      call, [&call](ServedStream&, const StreamDescription& described, const std::string& consumer) -> Check {
        call.output.begin_structure();
        call.output.text("Policy", policy_of(described.attributes, consumer).value_or("{}"));
        call.output.end_structure();
        return std::nullopt;
      });
}

Check delete_policy(Call& call) {
  return with_resource(
      call, [&call](ServedStream& served, const StreamDescription& described, const std::string& consumer) -> Check {
        if (!policy_of(described.attributes, consumer)) {
          return Refusal{resource_not_found, fmt::format("No resource policy found for resource ARN {}.",
                                                         text_of(call.input, "ResourceARN").value_or(""))};
        }
        change_attributes(served, without_policy(consumer));
        return std::nullopt;
      });
}

}  // namespace

std::vector<Action> policy_actions() {
  const Member resource{"ResourceARN", resource_arn(), true};
  return {
      {"PutResourcePolicy", {resource, {"Policy", Type(), true}}, &put_policy, false},
      {"GetResourcePolicy", {resource}, &get_policy},
      {"DeleteResourcePolicy", {resource}, &delete_policy, false},
  };
}

}  // namespace shardlog::serve::api
