#include <fmt/format.h>

#include <string>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/resource.h"
#include "tools/stream-serve/api/settings_actions.h"
#include "tools/stream-serve/api/tags.h"

namespace shardlog::serve::api {

namespace {

/// Calls `use` with the stream that the request names, or the consumer if it has a ResourceARN.
Check with_tagged(Call& call, const UseResource& use) {
  if (call.input.find("ResourceARN") != nullptr) return with_resource(call, use);
  return with_stream(
      call, [&use](ServedStream& served, const StreamDescription& described) { return use(served, described, ""); });
}

Tags tags_of(const StreamDescription& described, const std::string& consumer) {
  return consumer.empty() ? described.settings.tags : consumer_tags_of(described.attributes, consumer);
}

Refusal too_many_tags(const Call& call, const std::string& consumer) {
  const std::string stream = std::get<std::string>(stream_named(call));
  return {invalid_argument,
          fmt::format("Failed to add tags to {}stream {} under account {} because a given {} cannot have more than {} "
                      "tags associated with it.",
                      consumer.empty() ? "" : fmt::format("consumer {} of ", consumer), stream, call.account.id,
                      consumer.empty() ? "stream" : "consumer", most_tags)};
}

/// Nobody else in this server changes the stream meanwhile.
Check change_tags_of(const Call& call, Stream& stream, const std::string& consumer, const ValueChanges& changes) {
  Tags after = tags_of(stream.describe(), consumer);
  change_values(after, changes);
  if (after.size() > most_tags) return too_many_tags(call, consumer);
  SettingsChange change;
  if (consumer.empty()) {
    change.tags = changes;
  } else {
    change.attributes = with_consumer_tags(consumer, changes);
  }
  stream.maintenance().update(change);
  return std::nullopt;
}

Check change_tags(Call& call, const ValueChanges& changes) {
  if (auto refused = check_characters(changes)) return refused;
  return with_tagged(call, [&](ServedStream& served, const StreamDescription&, const std::string& consumer) -> Check {
    Check refused;
    served.write([&](Stream& stream) { refused = change_tags_of(call, stream, consumer, changes); });
    return refused;
  });
}

Check add_tags(Call& call) {
  return change_tags(call, tags_in(call.input));
}

Check remove_tags(Call& call) {
  ValueChanges changes;
  for (const wire::Value& key : call.input.find("TagKeys")->items) changes[std::string(key.text)] = std::nullopt;
  return change_tags(call, changes);
}

Check list_tags(Call& call) {
  return with_tagged(call, [&call](ServedStream&, const StreamDescription& described, const std::string& consumer) {
    const bool has_pages = call.input.find("ResourceARN") == nullptr;
    const auto limit = static_cast<std::size_t>(number_of(call.input, "Limit").value_or(most_tags));
    const Tags tags = tags_of(described, consumer);
    auto tag = tags.upper_bound(text_of(call.input, "ExclusiveStartTagKey").value_or(""));
    call.output.begin_structure();
    call.output.key("Tags");
    call.output.begin_list();
    for (std::size_t i = 0; tag != tags.end() && i < limit; ++tag, ++i) {
      call.output.begin_structure();
      call.output.text("Key", tag->first);
      call.output.text("Value", tag->second);
      call.output.end_structure();
    }
    call.output.end_list();
    if (has_pages) call.output.boolean("HasMoreTags", tag != tags.end());
    call.output.end_structure();
    return Check();
  });
}

}  // namespace

std::vector<Action> tag_actions() {
  const Type tag_key = text(1, 128);
  const Member keys{"TagKeys", list_of(tag_key, 1, 50), true};
  const Member resource{"ResourceARN", resource_arn(), true};
  return {
      {"AddTagsToStream",
       {{"Tags", tags(), true}, {"StreamName", name()}, {"StreamARN", stream_arn()}},
       &add_tags,
       false},
      {"RemoveTagsFromStream", {keys, {"StreamName", name()}, {"StreamARN", stream_arn()}}, &remove_tags, false},
      {"ListTagsForStream",
       {{"Limit", integer(1, 50)},
        {"ExclusiveStartTagKey", tag_key},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &list_tags},
      {"TagResource", {{"Tags", tags(), true}, resource}, &add_tags, false},
      {"UntagResource", {keys, resource}, &remove_tags, false},
      {"ListTagsForResource", {resource}, &list_tags},
  };
}

}  // namespace shardlog::serve::api
