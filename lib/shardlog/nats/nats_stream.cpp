#include "shardlog/nats/nats_stream.h"

#include <utility>

#include "shardlog/nats/notice.h"
#include "shardlog/nats/read_start.h"
#include "shardlog/nats/reader.h"

namespace shardlog::nats {

namespace {

/// By how many servers keep the data, which the address need not say. Throws not_found.
int replicas_of(Session& session) {
  const std::string what = session.what("open it");
  const auto answer = session.patience().insist(
      what, [&](Duration wait) { return session.js().info(session.names().data_stream(), wait); });
  if (const auto* const refused = std::get_if<Refusal>(&answer)) throw error_of(what, *refused);
  return std::get<JetStreamInfo>(answer).config.replicas;
}

}  // namespace

NatsStream::NatsStream(Address address, const OpenOptions& options, const Clock& clock)
    : session_(std::move(address), options, clock),
      capabilities_(capabilities_of(replicas_of(session_), session_.js().connection().max_payload())) {}

StreamDescription NatsStream::describe() {
  return nats::describe(session_);
}

std::vector<Outcome> NatsStream::append(const AppendRequest& request) {
  return appender_.append(request);
}

/// What was acknowledged is as safe as this engine can make it, and what was not acknowledged to its writer yet is
/// acknowledged by the servers once a reader sees it: they show nothing that a majority has not stored.
void NatsStream::make_durable() {
  session_.require_writable();
  session_.refresh(session_.patience());
}

std::unique_ptr<Reader> NatsStream::read(const ReadRequest& request) {
  return nats::read(session_, request);
}

std::vector<LocatedStart> NatsStream::locate(const Position& position, const std::vector<ShardId>& shards) {
  return nats::locate(session_, position, shards);
}

std::unique_ptr<Notice> NatsStream::notice() {
  return make_notice(session_);
}

capacity::Slice NatsStream::reserve(std::span<const capacity::Step> steps, const capacity::Seconds& /*paid*/) {
  session_.require_writable();
  return {.steps = steps.size()};
}

WriteCapacity::Appended NatsStream::append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                                           const capacity::Seconds& /*paid*/) {
  return {append(reserved), {.steps = next.size()}};
}

capacity::Limits NatsStream::top_up(std::span<Share> /*shares*/) {
  session_.require_writable();
  return {};
}

void NatsStream::give_back(std::span<const Share> /*shares*/) {
  session_.require_writable();
}

}  // namespace shardlog::nats
