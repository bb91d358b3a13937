#include "tools/stream-serve/api/consumer_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "tools/stream-serve/api/input.h"
#include "tools/stream-serve/api/kept.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/api/shard_events.h"
#include "tools/stream-serve/api/shard_start.h"
#include "tools/stream-serve/api/tags.h"

namespace shardlog::serve::api {

namespace {

void write_consumer(Call& call, const std::string& stream, const RegisteredConsumer& consumer) {
  const kinesis::ConsumerArn arn{{call.account, stream}, consumer.name, consumer.created};
  call.output.text("ConsumerName", consumer.name);
  call.output.text("ConsumerARN", to_string(arn));
  call.output.text("ConsumerStatus", "ACTIVE");
  call.output.time("ConsumerCreationTimestamp", Timestamp(std::chrono::seconds(consumer.created)));
}

Refusal no_consumer(const Call& call, std::string_view consumer, std::string_view stream) {
  return {resource_not_found,
          fmt::format("Consumer {} of stream {} under account {} not found.", consumer, stream, call.account.id)};
}

/// Registers a consumer, with the tags of the request, unless there is one of its name, or there are too many. Nobody
/// else in this server changes the stream meanwhile.
Check add_consumer(const Call& call, Stream& stream, const std::string& stream_name,
                   const RegisteredConsumer& consumer) {
  const Attributes attributes = stream.describe().attributes;
  if (find_consumer(attributes, consumer.name)) {
    return Refusal{resource_in_use, fmt::format("Consumer {} of stream {} under account {} already exists.",
                                                consumer.name, stream_name, call.account.id)};
  }
  if (consumers_of(attributes).size() >= most_consumers) {
    return Refusal{limit_exceeded, fmt::format("Stream {} under account {} has {} consumers, which is the limit.",
                                               stream_name, call.account.id, most_consumers)};
  }
  SettingsChange change;
  change.attributes = with_consumer(consumer);
  change.attributes.merge(with_consumer_tags(consumer.name, tags_in(call.input)));
  stream.maintenance().update(change);
  return std::nullopt;
}

Check register_consumer(Call& call) {
  const ValueChanges tags = tags_in(call.input);
  if (auto refused = check_characters(tags)) return refused;
  if (tags.size() > most_tags) {
    return Refusal{invalid_argument, fmt::format("A consumer can have at most {} tags.", most_tags)};
  }
  return with_stream(call, [&call](ServedStream& served, const StreamDescription&) -> Check {
    const auto now = std::chrono::floor<std::chrono::seconds>(call.environment.clock.now()).time_since_epoch().count();
    const RegisteredConsumer consumer{text_of(call.input, "ConsumerName").value_or(""),
                                      static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0))};
    const std::string stream_name = std::get<std::string>(stream_named(call));
    Check refused;
    served.write([&](Stream& stream) { refused = add_consumer(call, stream, stream_name, consumer); });
    if (refused) return refused;
    call.output.begin_structure();
    call.output.key("Consumer");
    call.output.begin_structure();
    write_consumer(call, stream_name, consumer);
    call.output.end_structure();
    call.output.end_structure();
    return std::nullopt;
  });
}

/// The consumer that a request names: by its ARN, which names the stream too, or by its name.
struct Named {
  std::string name;
  std::optional<std::uint64_t> created{};
};

Result<Named> consumer_named(const Call& call) {
  const auto arn = text_of(call.input, "ConsumerARN");
  const auto name = text_of(call.input, "ConsumerName");
  if (!arn && !name) {
    return Refusal{invalid_argument, "Either ConsumerARN, or both StreamARN and ConsumerName, must be provided."};
  }
  if (!arn) return Named{*name};
  const auto parsed = kinesis::parse_consumer_arn(*arn);
  if (!parsed) return Refusal{invalid_argument, fmt::format("ConsumerARN {} is not valid.", *arn)};
  if (name && *name != parsed->consumer) {
    return Refusal{invalid_argument, fmt::format("ConsumerName {} and ConsumerARN {} do not match.", *name, *arn)};
  }
  return Named{parsed->consumer, parsed->created};
}

using UseConsumer = std::function<Check(ServedStream&, const std::string& stream, const RegisteredConsumer&)>;

Check with_consumer_of(Call& call, const UseConsumer& use) {
  auto parsed = consumer_named(call);
  if (const Refusal* const refused = refusal_of(parsed)) return *refused;
  const Named& named = std::get<Named>(parsed);
  return with_stream(call, [&](ServedStream& served, const StreamDescription& described) -> Check {
    const std::string stream_name = std::get<std::string>(stream_named(call));
    const auto consumer = find_consumer(described.attributes, named.name);
    if (!consumer || (named.created && *named.created != consumer->created)) {
      return no_consumer(call, named.name, stream_name);
    }
    return use(served, stream_name, *consumer);
  });
}

Check deregister_consumer(Call& call) {
  return with_consumer_of(
      call, [&call](ServedStream& served, const std::string&, const RegisteredConsumer& consumer) -> Check {
        std::string uuid;
        served.write([&](Stream& stream) {
          const StreamDescription described = stream.describe();
          SettingsChange change;
          change.attributes = without_consumer(described.attributes, consumer.name);
          stream.maintenance().update(change);
          uuid = described.uuid;
        });
        call.environment.subscriptions.end(uuid, consumer.name);
        return std::nullopt;
      });
}

Check describe_consumer(Call& call) {
  return with_consumer_of(
      call, [&call](ServedStream&, const std::string& stream, const RegisteredConsumer& consumer) -> Check {
        call.output.begin_structure();
        call.output.key("ConsumerDescription");
        call.output.begin_structure();
        write_consumer(call, stream, consumer);
        call.output.text("StreamARN", to_string(kinesis::StreamArn{call.account, stream}));
        call.output.end_structure();
        call.output.end_structure();
        return std::nullopt;
      });
}

/// All fit into one answer unless a client wants fewer. The token of the next page is the name before it.
Check list_consumers(Call& call) {
  return with_stream(call, [&call](ServedStream&, const StreamDescription& described) -> Check {
    if (auto refused = check_created(call, described)) return refused;
    const std::string stream = std::get<std::string>(stream_named(call));
    const auto limit = static_cast<std::size_t>(number_of(call.input, "MaxResults").value_or(most_consumers));
    const std::string after = text_of(call.input, "NextToken").value_or("");
    const std::vector<RegisteredConsumer> consumers = consumers_of(described.attributes);
    auto consumer = std::find_if(consumers.begin(), consumers.end(),
                                 [&after](const RegisteredConsumer& each) { return each.name > after; });
    call.output.begin_structure();
    call.output.key("Consumers");
    call.output.begin_list();
    std::string last;
    for (std::size_t i = 0; consumer != consumers.end() && i < limit; ++consumer, ++i) {
      call.output.begin_structure();
      write_consumer(call, stream, *consumer);
      call.output.end_structure();
      last = consumer->name;
    }
    call.output.end_list();
    if (consumer != consumers.end()) call.output.text("NextToken", last);
    call.output.end_structure();
    return std::nullopt;
  });
}

Refusal refusal_for(const Call& call, Subscriptions::Refused why, const std::string& stream,
                    const std::string& consumer, const std::string& shard) {
  if (why == Subscriptions::Refused::too_many) {
    return {limit_exceeded, "There are too many subscriptions. Try again when others have ended."};
  }
  return {resource_in_use, fmt::format("Another active subscription exists for consumer {} of shard {} in stream {} "
                                       "under account {}.",
                                       consumer, shard, stream, call.account.id)};
}

Check subscribe(Call& call) {
  return with_consumer_of(
      call, [&call](ServedStream&, const std::string& name, const RegisteredConsumer& consumer) -> Check {
        auto stream = call.environment.catalogue.open(name);
        const StreamDescription described = stream->describe();
        const std::string shard_id = text_of(call.input, "ShardId").value_or("");
        const Shard* const shard = find_shard(described.map, shard_id);
        if (shard == nullptr) return no_shard(call, shard_id, name);
        const wire::Value& from = *call.input.find("StartingPosition");
        auto start =
            start_of(call, *stream, *shard, name,
                     {text_of(from, "Type").value_or(""), text_of(from, "SequenceNumber"), time_of(from, "Timestamp")});
        if (const Refusal* const refused = refusal_of(start)) return *refused;
        Subscriptions& subscriptions = call.environment.subscriptions;
        const auto delivery = std::make_shared<const Delivery>(
            Delivery{std::move(stream), std::get<ShardStart>(start), call.form, call.environment.clock,
                     subscriptions.times(), call.environment.report});
        const auto begun =
            subscriptions.begin({described.uuid, consumer.name, shard->id},
                                [delivery](const Subscription& subscription) { deliver(subscription, *delivery); });
        if (!begun.feed) return refusal_for(call, begun.why, name, consumer.name, shard_id);
        call.events = begun.feed;
        return std::nullopt;
      });
}

}  // namespace

std::vector<Action> consumer_actions() {
  const std::vector<Member> one{{"ConsumerName", name()}, {"ConsumerARN", consumer_arn()}, {"StreamARN", stream_arn()}};
  return {
      {"RegisterStreamConsumer",
       {{"ConsumerName", name(), true}, {"StreamARN", stream_arn(), true}, {"Tags", tags()}},
       &register_consumer},
      {"DeregisterStreamConsumer", one, &deregister_consumer, false},
      {"DescribeStreamConsumer", one, &describe_consumer},
      {"ListStreamConsumers",
       {{"MaxResults", integer(1, 10'000)},
        {"NextToken", text(1, 1'048'576)},
        {"StreamARN", stream_arn(), true},
        {"StreamCreationTimestamp", timestamp()}},
       &list_consumers},
      {"SubscribeToShard",
       {{"ConsumerARN", consumer_arn(), true},
        {"ShardId", name(), true},
        {"StartingPosition",
         structure(
             {{"Type",
               enumeration({"AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"}),
               true},
              {"SequenceNumber", sequence_number()},
              {"Timestamp", timestamp()}}),
         true}},
       &subscribe,
       true,
       Needs::nothing,
       true},
  };
}

}  // namespace shardlog::serve::api
