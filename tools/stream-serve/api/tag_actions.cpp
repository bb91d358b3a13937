#include <fmt/format.h>

#include <algorithm>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/settings_actions.h"

namespace shardlog::serve::api {

namespace {

constexpr std::size_t most_tags = 50;

/// Letters and digits of any language, white space, and these signs (Kinesis API, "AddTagsToStream").
bool has_valid_characters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80;
    return is_letter || std::string_view(" \t_./=+-:@").find(c) != std::string_view::npos;
  });
}

Check check_characters(const ValueChanges& changes) {
  const bool are_valid = std::all_of(changes.begin(), changes.end(), [](const auto& change) {
    return has_valid_characters(change.first) && has_valid_characters(change.second.value_or(""));
  });
  if (are_valid) return std::nullopt;
  return Refusal{
      invalid_argument,
      "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + "
      "- : @."};
}

/// Nobody else in this server changes the stream meanwhile.
Check change_tags_of(const Call& call, Stream& stream, const ValueChanges& changes) {
  Tags after = stream.describe().settings.tags;
  change_values(after, changes);
  if (after.size() > most_tags) {
    return Refusal{invalid_argument,
                   fmt::format("Failed to add tags to stream {} under account {} because a given stream cannot have "
                               "more than {} tags associated with it.",
                               std::get<std::string>(stream_named(call)), call.account.id, most_tags)};
  }
  SettingsChange change;
  change.tags = changes;
  stream.maintenance().update(change);
  return std::nullopt;
}

Check change_tags(Call& call, const ValueChanges& changes) {
  if (auto refused = check_characters(changes)) return refused;
  return with_stream(call, [&](ServedStream& served, const StreamDescription&) -> Check {
    Check refused;
    served.write([&](Stream& stream) { refused = change_tags_of(call, stream, changes); });
    return refused;
  });
}

Check add_tags(Call& call) {
  ValueChanges changes;
  for (const auto& [key, value] : call.input.find("Tags")->members) changes[std::string(key)] = std::string(value.text);
  return change_tags(call, changes);
}

Check remove_tags(Call& call) {
  ValueChanges changes;
  for (const wire::Value& key : call.input.find("TagKeys")->items) changes[std::string(key.text)] = std::nullopt;
  return change_tags(call, changes);
}

Check list_tags(Call& call) {
  return with_stream(call, [&call](ServedStream&, const StreamDescription& described) -> Check {
    const bool has_pages = call.input.find("ResourceARN") == nullptr;
    const auto limit = static_cast<std::size_t>(number_of(call.input, "Limit").value_or(most_tags));
    const Tags& tags = described.settings.tags;
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
    return std::nullopt;
  });
}

}  // namespace

std::vector<Action> tag_actions() {
  const Type tag_key = text(1, 128);
  const Member keys{"TagKeys", list_of(tag_key, 1, 50), true};
  const Member resource{"ResourceARN", stream_arn(), true};
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
