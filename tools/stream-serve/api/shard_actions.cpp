#include "tools/stream-serve/api/shard_actions.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/identity/iterator.h"

namespace shardlog::serve::api {

namespace {

/// Which shards of a stream a list has.
struct ShardQuery {
  std::string type{};              ///< of the filter; empty without one
  std::optional<ShardId> after{};  ///< only those with a higher id
  Timestamp time{};                ///< of the filter
};

bool is_open_at(const Shard& shard, Timestamp time) {
  return shard.opened_at <= time && (shard.open() || *shard.closed_at >= time);
}

bool is_open_since(const Shard& shard, Timestamp time) {
  return shard.open() || *shard.closed_at >= time;
}

/// Whether a filter takes a shard that can still be seen (Kinesis API, "ShardFilter").
bool is_wanted(const Shard& shard, const ShardQuery& query, Timestamp horizon) {
  if (query.after && shard.id <= *query.after) return false;
  const Timestamp time = std::max(query.time, horizon);  // before the horizon is the horizon
  if (query.type == "AT_LATEST") return shard.open();
  if (query.type == "AT_TRIM_HORIZON") return is_open_at(shard, horizon);
  if (query.type == "AT_TIMESTAMP") return is_open_at(shard, time);
  if (query.type == "FROM_TIMESTAMP") return is_open_since(shard, time);
  return true;
}

Result<std::optional<ShardId>> shard_after(const std::optional<std::string>& text, std::string_view name) {
  if (!text) return std::nullopt;
  const auto id = ShardId::parse(*text);
  if (!id) return Refusal{invalid_argument, fmt::format("{} {} is not valid.", name, *text)};
  return id;
}

/// The query of a first page.
Result<ShardQuery> query_of(const wire::Value& input) {
  auto after = shard_after(text_of(input, "ExclusiveStartShardId"), "ExclusiveStartShardId");
  if (const Refusal* const refused = refusal_of(after)) return *refused;
  ShardQuery query;
  query.after = std::get<std::optional<ShardId>>(after);
  const wire::Value* const filter = input.find("ShardFilter");
  if (filter == nullptr) return query;
  query.type = text_of(*filter, "Type").value_or("");
  const bool needs_shard = query.type == "AFTER_SHARD_ID";
  const bool needs_time = query.type == "AT_TIMESTAMP" || query.type == "FROM_TIMESTAMP";
  const auto shard = text_of(*filter, "ShardId");
  const auto time = time_of(*filter, "Timestamp");
  if (needs_shard != shard.has_value() || needs_time != time.has_value()) {
    return Refusal{invalid_argument,
                   fmt::format("A ShardFilter of type {} {} a ShardId and {} a Timestamp.", query.type,
                               needs_shard ? "needs" : "cannot have", needs_time ? "needs" : "cannot have")};
  }
  query.time = time.value_or(Timestamp());
  auto filtered = shard_after(shard, "ShardId");
  if (const Refusal* const refused = refusal_of(filtered)) return *refused;
  if (needs_shard) query.after = std::max(query.after, std::get<std::optional<ShardId>>(filtered));
  return query;
}

/// The token of a later page, which goes alone: it names the stream and keeps the filter.
Result<identity::ShardListToken> token_of(const Call& call, const std::string& text) {
  for (const char* const other :
       {"StreamName", "StreamARN", "ExclusiveStartShardId", "ShardFilter", "StreamCreationTimestamp"}) {
    if (call.input.find(other) != nullptr) {
      return Refusal{invalid_argument, fmt::format("NextToken and {} cannot be provided together.", other)};
    }
  }
  const auto token = identity::parse_shard_list_token(text);
  const Timestamp now = call.environment.clock.now();
  const auto age = token ? identity::age_of(token->issued_at, now) : identity::Age::impossible;
  if (age == identity::Age::impossible || !is_stream_name(token->stream)) {
    return Refusal{invalid_argument, "NextToken is not valid."};
  }
  if (age == identity::Age::expired) {
    return Refusal{expired_token, "NextToken has expired: it can be used for 300 seconds."};
  }
  return *token;
}

Check write_page(Call& call, const std::string& stream, const StreamDescription& described, const ShardQuery& query) {
  constexpr std::int64_t default_limit = 1000;
  const auto limit = static_cast<std::size_t>(number_of(call.input, "MaxResults").value_or(default_limit));
  const Timestamp now = call.environment.clock.now();
  const Timestamp horizon = expiry(described.settings.retention, now).value_or(described.created_at);
  const ShardPage page = page_of(described.map, limit, [&](const Shard& shard) {
    return is_visible(shard, described.settings, now) &&
           is_wanted(shard, query, std::max(horizon, described.created_at));
  });
  const Numbering numbering(described.map);
  call.output.begin_structure();
  call.output.key("Shards");
  call.output.begin_list();
  for (const Shard& shard : page.shards) write_shard(call.output, shard, numbering);
  call.output.end_list();
  if (page.has_more) {
    call.output.text("NextToken", to_string(identity::ShardListToken{now, stream, described.uuid, page.shards.back().id,
                                                                     query.type, query.time}));
  }
  call.output.end_structure();
  return std::nullopt;
}

Check list_next_page(Call& call, const std::string& text) {
  auto parsed = token_of(call, text);
  if (const Refusal* const refused = refusal_of(parsed)) return *refused;
  const auto& token = std::get<identity::ShardListToken>(parsed);
  Check result;
  try {
    call.environment.catalogue.use(token.stream, [&](ServedStream& served) {
      call.output.take();
      const StreamDescription described = served.describe();
      if (described.uuid != token.uuid) throw Error(ErrorCode::not_found, quote(token.stream) + ": made anew");
      result = write_page(call, token.stream, described, {token.filter, token.after, token.filter_time});
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return no_stream(call, token.stream);
  }
  return result;
}

Check list_shards(Call& call) {
  if (const auto token = text_of(call.input, "NextToken")) return list_next_page(call, *token);
  return with_stream(call, [&call](ServedStream&, const StreamDescription& described) -> Check {
    const std::string stream = std::get<std::string>(stream_named(call));
    if (auto refused = check_created(call, described)) return refused;
    auto query = query_of(call.input);
    if (const Refusal* const refused = refusal_of(query)) return *refused;
    return write_page(call, stream, described, std::get<ShardQuery>(query));
  });
}

}  // namespace

std::vector<Action> shard_actions() {
  const std::vector<Member> filter{{"Type",
                                    enumeration({"AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST",
                                                 "AT_TIMESTAMP", "FROM_TIMESTAMP"}),
                                    true},
                                   {"ShardId", name()},
                                   {"Timestamp", timestamp()}};
  return {
      {"ListShards",
       {{"ExclusiveStartShardId", name()},
        {"MaxResults", integer(1, 10'000)},
        {"NextToken", text(1, 1'048'576)},
        {"ShardFilter", structure(filter)},
        {"StreamCreationTimestamp", timestamp()},
        {"StreamName", name()},
        {"StreamARN", stream_arn()}},
       &list_shards,
       true,
       Needs::nothing,
       true},
  };
}

}  // namespace shardlog::serve::api
