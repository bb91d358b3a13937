// What NATS JetStream gives: one stream in files, a message a line.
//
//     jetstream URL make REPLICAS        makes the stream anew, with nothing in it
//     jetstream URL put < LINES          publishes with the library's own pipelining, and waits for every
//     acknowledgement jetstream URL put-each < LINES     publishes one after the other, each acknowledged before the
//     next jetstream URL get COUNT            pulls so many, 10,000 at a time, and writes them as lines

#include <nats/nats.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

constexpr const char* name = "BENCH";
constexpr const char* subject = "bench";
constexpr int batch = 10'000;
constexpr std::int64_t patience = 60'000;  // ms

void expect(natsStatus status) {
  if (status == NATS_OK) return;
  std::fprintf(stderr, "jetstream: %s\n", natsStatus_GetText(status));
  std::exit(1);
}

void make(jsCtx* context, int replicas) {
  const natsStatus removed = js_DeleteStream(context, name, nullptr, nullptr);
  if (removed != NATS_NOT_FOUND) expect(removed);
  jsStreamConfig stream;
  expect(jsStreamConfig_Init(&stream));
  const char* subjects[] = {subject};  // NOLINT(*-avoid-c-arrays): the library's interface
  stream.Name = name;
  stream.Subjects = subjects;
  stream.SubjectsLen = 1;
  stream.Storage = js_FileStorage;
  stream.Replicas = replicas;
  expect(js_AddStream(nullptr, context, &stream, nullptr, nullptr));
}

void put(jsCtx* context) {
  for (std::string line; std::getline(std::cin, line);) {
    expect(js_PublishAsync(context, subject, line.data(), static_cast<int>(line.size()), nullptr));
  }
  jsPubOptions options;
  expect(jsPubOptions_Init(&options));
  options.MaxWait = patience;
  expect(js_PublishAsyncComplete(context, &options));
}

void put_each(jsCtx* context) {
  for (std::string line; std::getline(std::cin, line);) {
    expect(js_Publish(nullptr, context, subject, line.data(), static_cast<int>(line.size()), nullptr, nullptr));
  }
}

void get(jsCtx* context, long count) {
  jsSubOptions options;
  expect(jsSubOptions_Init(&options));
  options.Config.AckPolicy = js_AckNone;
  natsSubscription* subscription = nullptr;
  expect(js_PullSubscribe(&subscription, context, subject, nullptr, nullptr, &options, nullptr));
  for (long got = 0; got < count;) {
    natsMsgList messages{};
    expect(natsSubscription_Fetch(&messages, subscription, batch, patience, nullptr));
    for (int i = 0; i < messages.Count; ++i) {
      std::fwrite(natsMsg_GetData(messages.Msgs[i]), 1,
                  static_cast<std::size_t>(natsMsg_GetDataLength(messages.Msgs[i])), stdout);
      std::fputc('\n', stdout);
    }
    got += messages.Count;
    natsMsgList_Destroy(&messages);
  }
  natsSubscription_Destroy(subscription);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  natsConnection* connection = nullptr;
  expect(natsConnection_ConnectTo(&connection, argv[1]));
  jsOptions options;
  expect(jsOptions_Init(&options));
  options.PublishAsync.MaxPending = batch;
  options.PublishAsync.StallWait = patience;
  jsCtx* context = nullptr;
  expect(natsConnection_JetStream(&context, connection, &options));
  std::ios::sync_with_stdio(false);
  if (std::strcmp(argv[2], "make") == 0 && argc == 4) make(context, std::atoi(argv[3]));
  if (std::strcmp(argv[2], "put") == 0) put(context);
  if (std::strcmp(argv[2], "put-each") == 0) put_each(context);
  if (std::strcmp(argv[2], "get") == 0 && argc == 4) get(context, std::atol(argv[3]));
  jsCtx_Destroy(context);
  natsConnection_Destroy(connection);
  return 0;
}
