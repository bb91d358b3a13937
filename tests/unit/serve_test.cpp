#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <iterator>
#include <new>

#include "support/refusal.h"
#include "support/wait_until.h"
#include "tools/stream-serve/http/address.h"
#include "tools/stream-serve/http/admission.h"
#include "tools/stream-serve/http/exchange.h"
#include "tools/stream-serve/http/service_side.h"
#include "tools/stream-serve/identity/iterator.h"
#include "tools/stream-serve/identity/token.h"
#include "tools/stream-serve/wire/cbor_in.h"
#include "tools/stream-serve/wire/cbor_writer.h"
#include "tools/stream-serve/wire/json_in.h"
#include "tools/stream-serve/wire/json_writer.h"
#include "unit/spent_budget.h"

namespace shardlog::serve {
namespace {

using namespace std::chrono_literals;
using test::refusal;

const std::string uuid = "00112233-4455-4677-8899-aabbccddeeff";

identity::ShardIterator iterator_at(const decltype(ShardStart::from)& from, const std::string& stream = "orders") {
  return {Timestamp(1'700'000'000'123ms), stream, uuid, {ShardId(7), from}};
}

TEST(ShardIterator, KeepsWhatItStandsFor) {
  const SequenceNumber largest(UINT64_MAX - 1);
  for (const decltype(ShardStart::from)& from :
       std::vector<decltype(ShardStart::from)>{TrimHorizon{}, AtSequence{SequenceNumber(0)}, AfterSequence{largest},
                                               AtSequence{SequenceNumber(5), Timestamp(-3us)}}) {
    const auto read = identity::parse_iterator(to_string(iterator_at(from)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->issued_at, Timestamp(1'700'000'000'123ms));
    EXPECT_EQ(read->stream, "orders");
    EXPECT_EQ(read->uuid, uuid);
    EXPECT_EQ(read->start.shard, ShardId(7));
    EXPECT_EQ(read->start.from, from);
  }
}

TEST(ShardIterator, IsAsLongAsThatOfKinesis) {
  // 152 + (length + 2) / 16 * 16 bytes (kinesalite), in base64; at most 512 characters (Kinesis API, "ShardIterator").
  const auto length = [](std::size_t name) {
    return to_string(iterator_at(TrimHorizon{}, std::string(name, 'x'))).size();
  };
  EXPECT_EQ(length(1), 204U);
  EXPECT_EQ(length(13), 204U);
  EXPECT_EQ(length(14), 224U);
  EXPECT_EQ(length(128), 376U);
}

TEST(ShardIterator, ThatIsChangedAnywhereIsRefused) {
  const std::string token = to_string(iterator_at(AtSequence{SequenceNumber(5)}));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(identity::parse_iterator(changed)) << i;
    EXPECT_FALSE(identity::parse_iterator(token.substr(0, i))) << i;
  }
  EXPECT_FALSE(identity::parse_iterator(token.substr(0, 8) + "\n" + token.substr(8)));
  EXPECT_FALSE(identity::parse_iterator(to_string(identity::ShardListToken{{}, "orders", uuid, ShardId(1), "", {}})));
}

TEST(ShardListToken, KeepsItsFilter) {
  const identity::ShardListToken token{Timestamp(5ms), std::string(128, 'n'), uuid,
                                       ShardId(9),     "AT_TIMESTAMP",        Timestamp(1234ms)};
  const auto read = identity::parse_shard_list_token(to_string(token));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->issued_at, token.issued_at);
  EXPECT_EQ(read->stream, token.stream);
  EXPECT_EQ(read->uuid, uuid);
  EXPECT_EQ(read->after, ShardId(9));
  EXPECT_EQ(read->filter, "AT_TIMESTAMP");
  EXPECT_EQ(read->filter_time, Timestamp(1234ms));
  EXPECT_FALSE(identity::parse_shard_list_token(to_string(iterator_at(TrimHorizon{}))));
}

TEST(Token, CanBeUsedForFiveMinutes) {
  using identity::Age;
  using identity::age_of;
  const Timestamp now(1'700'000'000s);
  EXPECT_EQ(age_of(now, now), Age::valid);
  EXPECT_EQ(age_of(now - 5min, now), Age::valid);
  EXPECT_EQ(age_of(now - 5min - 1us, now), Age::expired);
  EXPECT_EQ(age_of(now + 5min, now), Age::valid) << "the clock was set back";
  EXPECT_EQ(age_of(now + 5min + 1us, now), Age::impossible);
  EXPECT_EQ(age_of(Timestamp::min(), now), Age::expired);
  EXPECT_EQ(age_of(Timestamp::max(), now), Age::impossible);
}

TEST(Address, IsOfThisMachine) {
  const http::Address address = http::parse_address("127.0.0.1:4567");
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_EQ(address.port, 4567);
  EXPECT_EQ(http::parse_address("[::1]:0").host, "::1");
  EXPECT_EQ(http::parse_address("Localhost:65535").host, "127.0.0.1");
  for (const char* const text : {"", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "0.0.0.0:1",
                                 "[::]:1", "128.0.0.1:1", "127.0.0.1.example:1", "[::1:1"}) {
    EXPECT_EQ(refusal([text] { http::parse_address(text); }), ErrorCode::usage) << text;
  }
}

TEST(Address, OfAHostHeaderIsWithoutPort) {
  EXPECT_EQ(http::host_of("Example.COM:80"), "example.com");
  EXPECT_EQ(http::host_of("example.com"), "example.com");
  EXPECT_EQ(http::host_of("[::1]:80"), "::1");
  EXPECT_EQ(http::host_of("[::1]"), "::1");
  EXPECT_EQ(http::host_of("["), "");
  EXPECT_EQ(http::host_of("[::1"), "");
  EXPECT_EQ(http::host_of("[::1]evil.example"), "");
  EXPECT_EQ(http::host_of(""), "");
}

TEST(Admission, KnowsTheAddressThatTheServerListensAt) {
  const auto status_of = [](const http::Admission& admission, const char* host) {
    const auto refused = http::admit({"POST", "/", {{"host", host}}}, admission);
    return refused ? refused->status : 200;
  };
  http::Admission one;
  one.allow_address("192.0.2.5");
  EXPECT_EQ(status_of(one, "192.0.2.5:4567"), 200);
  EXPECT_EQ(status_of(one, "192.0.2.6:4567"), 403);
  EXPECT_EQ(status_of(one, "localhost:4567"), 200);
  for (const char* const all : {"0.0.0.0", "::"}) {
    http::Admission any;
    any.allow_address(all);
    EXPECT_EQ(status_of(any, "192.0.2.5:4567"), 200);
    EXPECT_EQ(status_of(any, "[2001:db8::5]:4567"), 200);
    EXPECT_EQ(status_of(any, "streams.example:4567"), 403) << "could be a page of its own";
    EXPECT_EQ(status_of(any, "192.0.2.5.example"), 403);
  }
}

/// A connection of the server, and the end of its client.
class Connection {
 public:
  Connection() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    for (const int end : ends_) ::close(end);
  }

  [[nodiscard]] http::Client client() const { return http::sole_client(ends_[0]); }
  [[nodiscard]] bool is_shut_down() const {
    char byte = 0;
    return ::recv(ends_[1], &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(Budget, EndsConnectionsOfSlowClientsThatHoldMost) {
  http::Budget budget(100, 20);
  const Connection small;
  const Connection large;
  http::Budget::Share of_small(budget);
  http::Budget::Share of_large(budget);
  http::Budget::Share another_of_large(budget);
  http::Budget::Share working(budget);
  EXPECT_TRUE(of_small.take(10) && of_large.take(11) && another_of_large.take(2) && working.take(50));
  of_small.wait_for_client(small.client());
  of_large.wait_for_client(large.client());
  another_of_large.wait_for_client(large.client());
  budget.cut_slow();
  EXPECT_FALSE(large.is_shut_down()) << "they have time";
  const auto later = http::Budget::Watch::now() + 3s;
  budget.cut_slow(later);
  EXPECT_TRUE(large.is_shut_down());
  EXPECT_FALSE(small.is_shut_down());
  budget.cut_slow(later);
  EXPECT_FALSE(small.is_shut_down()) << "the others are as good as gone";
  working.wait_for_client(small.client());
  working.wait_no_more();
  budget.cut_slow(later);
  EXPECT_FALSE(small.is_shut_down()) << "nobody waits for it";
}

TEST(Budget, LetsClientsGoOnThatMoveEnough) {
  using Watch = http::Budget::Watch;
  http::Budget budget(100, 0);
  const Connection slow;
  const Connection quick;
  http::Budget::Share of_slow(budget);
  http::Budget::Share of_quick(budget);
  EXPECT_TRUE(of_slow.take(1) && of_quick.take(2));
  of_slow.wait_for_client(slow.client());
  of_quick.wait_for_client(quick.client());
  const auto begin = Watch::now();
  while (Watch::now() <= begin) continue;
  of_slow.move(64UL * 1024 - 1);
  of_quick.move(64UL * 1024 - 1);
  of_quick.move(1);
  budget.cut_slow(begin + 2s + 1ns);
  EXPECT_TRUE(slow.is_shut_down());
  EXPECT_FALSE(quick.is_shut_down());
}

TEST(Budget, WantsMoreOfClientsForWhichMoreIsKept) {
  using Watch = http::Budget::Watch;
  constexpr std::size_t mib = 1024UL * 1024;
  http::Budget budget(100 * mib, 0);
  const Connection slow;
  const Connection quick;
  http::Budget::Share of_slow(budget);
  http::Budget::Share of_quick(budget);
  EXPECT_TRUE(of_slow.take(8 * mib) && of_quick.take(8 * mib));
  of_slow.wait_for_client(slow.client());
  of_quick.wait_for_client(quick.client());
  const auto begin = Watch::now();
  for (int i = 1; i <= 3; ++i) {
    of_slow.move(mib - (i == 3 ? 1 : 0));
    of_quick.move(mib);
    EXPECT_FALSE(slow.is_shut_down());
    budget.cut_slow(begin + i * 3s);
  }
  EXPECT_TRUE(slow.is_shut_down()) << "what it has moved before does not count";
  EXPECT_FALSE(quick.is_shut_down());
}

TEST(Budget, KnowsWhatAClientAcknowledges) {
  const cli::Descriptor listening = http::listen_at({"127.0.0.1", 0});
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const cli::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  cli::Descriptor connection;
  ASSERT_TRUE(test::wait_until([&] {
    connection = cli::Descriptor(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return connection.is_open();
  }));
  http::Budget budget(100, 0);
  http::Budget::Share share(budget);
  EXPECT_TRUE(share.take(1));
  share.wait_for_client(http::sole_client(connection.get()), http::Budget::Progress::acknowledged);

  std::string bytes(64UL * 1024, 'x');
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(::recv(client.get(), bytes.data(), bytes.size(), MSG_WAITALL), static_cast<ssize_t>(bytes.size()));
  }
  EXPECT_TRUE(test::wait_until([&] {
    int unacknowledged = 0;
    return ::ioctl(connection.get(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
  }));
  const auto now = http::Budget::Watch::now();
  budget.cut_slow(now + 3s);
  EXPECT_EQ(::recv(client.get(), bytes.data(), 1, MSG_DONTWAIT), -1) << "it goes on";
  budget.cut_slow(now + 6s);
  EXPECT_EQ(::recv(client.get(), bytes.data(), 1, 0), 0) << "it was shut down";
}

TEST(Budget, GivesLessWhenThereIsLess) {
  http::Budget budget(100, 10);
  http::Budget::Share first(budget);
  http::Budget::Share second(budget);
  http::Budget::Share third(budget);
  EXPECT_EQ(first.take_some(64), 64U);
  EXPECT_EQ(second.take_some(64), 8U);
  EXPECT_EQ(third.take_some(800), 0U);
  first.keep(1);
  EXPECT_EQ(third.take_some(64), 64U);
}

TEST(Exchange, TakesBodiesFromOneBudget) {
  http::Budget budget(10);
  http::Budget answers(10);
  http::Exchange first("/", budget, answers);
  first.read("123456");
  {
    http::Exchange second("/", budget, answers);
    second.read("1234");
    EXPECT_FALSE(second.response());
    second.read("5");
    ASSERT_TRUE(second.response());
    EXPECT_EQ(second.response()->status, 503);
  }
  http::Exchange third("/", budget, answers);
  third.read("1234");
  EXPECT_FALSE(third.response()) << "what the second one took is there again";
}

TEST(Exchange, TakesAnswersFromAnotherBudget) {
  http::Budget bodies(10);
  http::Budget answers(5);
  {
    http::Exchange exchange("/", bodies, answers);
    exchange.answer({200, {}, "1234"});
    EXPECT_FALSE(test::is_spent(answers));
    exchange.answer({200, {}, "12345678"});
    EXPECT_TRUE(test::is_spent(answers));
  }
  EXPECT_FALSE(test::is_spent(answers)) << "the client has it";
}

TEST(Exchange, DropsTheBodyWhenThereIsAnAnswer) {
  http::Budget bodies(10);
  http::Budget answers(10);
  http::Exchange first("/", bodies, answers);
  first.read("1234567890");
  first.read("1");
  ASSERT_TRUE(first.response());
  EXPECT_EQ(first.response()->status, 503);
  EXPECT_TRUE(http::Budget::Share(bodies).take(10)) << "although the rest of it still comes";
}

TEST(Exchange, CountsTheMemoryThatABodyTakes) {
  http::Budget bodies(150);
  http::Budget answers(10);
  http::Exchange announced("/", bodies, answers);
  announced.request().add_header("content-length", "101");
  http::Exchange unknown("/", bodies, answers);
  for (http::Exchange* const exchange : {&announced, &unknown}) {
    for (int i = 0; i < 11; ++i) exchange->read("123456789");
  }
  EXPECT_FALSE(announced.response()) << "it takes no more than was announced";
  EXPECT_EQ(announced.request().body.capacity(), 101U);
  ASSERT_TRUE(unknown.response()) << "as much room again would be needed";
  EXPECT_EQ(unknown.response()->status, 503);
}

TEST(Exchange, WaitsForItsClientTwice) {
  http::Budget bodies(10, 0);
  http::Budget answers(10, 0);
  const auto cut_slow = [&] {
    bodies.cut_slow(http::Budget::Watch::now() + 3s);
    answers.cut_slow(http::Budget::Watch::now() + 3s);
  };
  const Connection connection;
  http::Exchange exchange("/", bodies, answers, connection.client());
  EXPECT_TRUE(exchange.take_for_header(2));
  exchange.read("1");
  exchange.set(http::Exchange::State::working);
  cut_slow();
  EXPECT_FALSE(connection.is_shut_down()) << "now the client waits";
  exchange.answer({200, {}, "1"});
  cut_slow();
  EXPECT_FALSE(connection.is_shut_down()) << "it cannot have it yet";
  exchange.begin_sending(http::Budget::Progress::told);
  cut_slow();
  EXPECT_TRUE(connection.is_shut_down());

  const Connection other;
  http::Exchange half("/", bodies, answers, other.client());
  EXPECT_TRUE(half.take_for_header(6));
  EXPECT_FALSE(half.take_for_header(5));
  cut_slow();
  EXPECT_TRUE(other.is_shut_down()) << "headers count, too";
}

TEST(Exchange, IsNotLookedIntoWhileAWorkerAnswers) {
  http::Budget bodies(10);
  http::Budget answers(10);
  const auto feed = std::make_shared<http::Feed>();
  http::Exchange exchange("/", bodies, answers);
  exchange.set(http::Exchange::State::working);
  exchange.answer({200, {}, {}, feed});
  exchange.leave();
  EXPECT_FALSE(feed->gone().stop_requested()) << "the worker has not said that the answer is there";
  exchange.set(http::Exchange::State::answered);
  exchange.leave();
  EXPECT_TRUE(feed->gone().stop_requested());
}

TEST(Workers, AreMoreIfAllAreBusy) {
  std::promise<void> done;
  const auto may_end = done.get_future().share();
  std::array<std::promise<void>, 4> begun;
  http::Workers workers(1, 3);
  for (std::promise<void>& each : begun) {
    EXPECT_TRUE(workers.give([&each, may_end] {
      each.set_value();
      may_end.wait();
    }));
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(begun[i].get_future().wait_for(1min), std::future_status::ready) << i;
  auto last = begun[3].get_future();
  EXPECT_EQ(last.wait_for(0s), std::future_status::timeout) << "there are only three";
  done.set_value();
  EXPECT_EQ(last.wait_for(1min), std::future_status::ready);
}

TEST(Workers, AreFewAgainWhenThereIsLittleToDo) {
  const auto threads = [] {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return std::distance(begin(all), end(all));
  };
  const auto before = threads();
  http::Workers workers(1, 100, 1ms);
  for (int round = 0; round < 2; ++round) {
    std::promise<void> done;
    const auto may_end = done.get_future().share();
    std::array<std::promise<void>, 50> begun;
    for (std::promise<void>& each : begun) {
      EXPECT_TRUE(workers.give([&each, may_end] {
        each.set_value();
        may_end.wait();
      }));
    }
    for (std::promise<void>& each : begun) EXPECT_EQ(each.get_future().wait_for(1min), std::future_status::ready);
    done.set_value();
    EXPECT_TRUE(test::wait_until([&] { return threads() == before + 1; })) << threads() - before;
  }
}

TEST(ServiceSide, HasNoRoomForLargeAnswersWhileOthersAreNotRead) {
  http::ServerLimits limits;
  limits.all_answers_bytes = 8;
  limits.threads = 1;
  const auto handler = [](const http::Request& request) {
    if (request.target == "small") return http::Response{200, {}, "1"};
    const std::size_t room = request.take_room(8);
    return http::Response{room == 8 ? 200 : 503, {}, std::string(room, 'x')};
  };
  http::ServiceSide side([](const http::Request&) { return std::nullopt; }, handler, limits);
  const auto status_of = [&side](http::Exchange& exchange) {
    side.answer(exchange);
    return exchange.response()->status;
  };
  {
    http::Exchange unread("/", side.bodies, side.answers);
    EXPECT_EQ(status_of(unread), 200);
    http::Exchange other("/", side.bodies, side.answers);
    EXPECT_EQ(status_of(other), 503);
    http::Exchange small("small", side.bodies, side.answers);
    EXPECT_EQ(status_of(small), 200);
  }
  http::Exchange later("/", side.bodies, side.answers);
  EXPECT_EQ(status_of(later), 200);
}

TEST(ServiceSide, AnswersWithoutMemoryToo) {
  http::ServerLimits limits;
  limits.threads = 1;
  http::ServiceSide side([](const http::Request&) { return std::nullopt; },
                         [](const http::Request&) -> http::Response { throw std::bad_alloc(); }, limits);
  http::Exchange exchange("/", side.bodies, side.answers);
  side.answer(exchange);
  ASSERT_TRUE(exchange.response());
  EXPECT_EQ(exchange.response()->status, 503);
  EXPECT_EQ(exchange.state(), http::Exchange::State::answered);
}

TEST(JsonWriter, WritesTimesAsPlainDecimals) {
  wire::JsonWriter writer;
  writer.begin_list();
  for (const auto time : {0us, 1us, 1'700'000'000'123'999us, -1us, -1'500'000us}) writer.time(Timestamp(time));
  writer.end_list();
  EXPECT_EQ(writer.take(), "[0.000,0.000,1700000000.123,-0.001,-1.500]");
}

TEST(JsonWriter, SeparatesWhatBelongsTogether) {
  wire::JsonWriter writer;
  writer.begin_structure();
  writer.text("a", "\"\xff");
  writer.key("b");
  writer.begin_list();
  writer.begin_structure();
  writer.end_structure();
  writer.bytes("M\n");
  writer.end_list();
  writer.number("c", -5);
  writer.boolean("d", true);
  writer.end_structure();
  EXPECT_EQ(writer.take(), "{\"a\":\"\\\"\xef\xbf\xbd\",\"b\":[{},\"TQo=\"],\"c\":-5,\"d\":true}");
}

TEST(JsonReader, RefusesWhatIsTooDeep) {
  EXPECT_TRUE(wire::read_json(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(wire::read_json(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(wire::read_json(std::string(1'000'000, '[')));
  EXPECT_FALSE(wire::read_json(""));
}

TEST(JsonReader, TakesTheLastOfSeveralMembers) {
  const auto read = wire::read_json(R"({"a":1,"a":2,"b":3,"b":null})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->root.find("a")->number, 2);
  EXPECT_EQ(read->root.find("b"), nullptr);
  EXPECT_EQ(read->root.find("c"), nullptr);
}

TEST(JsonReader, HasABoundOfValues) {
  const auto list_of = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_TRUE(wire::read_json(list_of(15'000)));
  EXPECT_FALSE(wire::read_json(list_of(20'000)));
}

TEST(JsonReader, DoesNotTakeTextForValues) {
  const std::string commas(100'000, ',');
  for (const std::string before : {"", R"(\")", R"(\\\")", R"(\\)"}) {
    const auto read = wire::read_json(R"({"a":")" + before + commas + R"(","b":1})");
    ASSERT_TRUE(read) << before;
    EXPECT_EQ(read->root.find("a")->text.size(), before.size() / 2 + commas.size());
    EXPECT_EQ(read->root.find("b")->number, 1);
  }
  EXPECT_FALSE(wire::read_json(R"({"a":"\)")) << "a string without an end";
}

TEST(JsonReader, TakesAsManyStructuresAsValues) {
  std::string text = "{";
  for (int i = 0; i < 19'000; ++i) text += R"("a":{},)";
  EXPECT_TRUE(wire::read_json(text + R"("b":{}})"));
}

TEST(CborWriter, WritesTheFormsOfRfc8949) {
  wire::CborWriter writer;
  writer.begin_structure();
  writer.text("a", "\xffz");
  writer.key("b");
  writer.begin_list();
  writer.bytes(std::string_view("\0\x01", 2));
  writer.boolean(true);
  writer.number(-500);
  writer.time(Timestamp(1'700'000'000'123'999us));
  writer.end_list();
  writer.end_structure();
  // By cbor2 of Python: {_ "a": "\ufffdz", "b": [_ h'0001', true, -500, 1(1700000000123)]}
  const std::string expected(
      "\xbf\x61\x61\x64\xef\xbf\xbd\x7a\x61\x62\x9f\x42\x00\x01\xf5\x39\x01\xf3\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b"
      "\xff\xff",
      30);
  EXPECT_EQ(writer.take(), expected);
}

std::string bytes_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

TEST(CborReader, ReadsWhatIsDefiniteAndWhatIsNot) {
  // {_ "a": [1, -1, 1.5], "b": (_ h'00', h'01'), "t": 1(1700000000123), "n": null}
  const std::string bytes =
      bytes_of({0xbf, 0x61, 'a',  0x83, 0x01, 0x20, 0xf9, 0x3e, 0x00, 0x61, 'b',  0x5f, 0x41, 0x00, 0x41, 0x01, 0xff,
                0x61, 't',  0xc1, 0x1b, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b, 0x61, 'n',  0xf6, 0xff});
  const auto read = wire::read_cbor(bytes);  // borrows from them
  ASSERT_TRUE(read);
  const auto& items = read->root.find("a")->items;
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].number, 1);
  EXPECT_EQ(items[1].number, -1);
  EXPECT_EQ(items[2].number, 1.5);
  EXPECT_EQ(read->root.find("b")->text, std::string_view("\0\x01", 2));
  EXPECT_EQ(read->root.find("b")->kind, wire::Value::Kind::bytes);
  EXPECT_DOUBLE_EQ(read->root.find("t")->number, 1700000000.123);
  EXPECT_EQ(read->root.find("n"), nullptr);
  EXPECT_TRUE(wire::read_cbor(bytes_of({0xa0}))) << "an empty map";
}

TEST(CborReader, RefusesWhatIsCutShortOrMakesNoSense) {
  const std::string whole = bytes_of({0xa1, 0x61, 'a', 0x82, 0x01, 0x42, 0x00, 0x01});
  EXPECT_TRUE(wire::read_cbor(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(wire::read_cbor(whole.substr(0, size))) << size;
  EXPECT_FALSE(wire::read_cbor(whole + whole)) << "more than one";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0xa1, 0x01, 0x01}))) << "a name that is not a text";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0xbf, 0x61, 'a', 0xff}))) << "a name without a value";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0xff}))) << "an end without a beginning";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0x81, 0xff}))) << "the end of what has a size";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0x5f, 0x61, 'a', 0xff}))) << "a text in a string of bytes";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})))
      << "a size without items";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0}))) << "infinite";
  EXPECT_FALSE(wire::read_cbor(std::string(100, '\x81') + '\x01')) << "too deep";
  EXPECT_FALSE(wire::read_cbor(bytes_of({0x9f}) + std::string(20'000, '\x01') + bytes_of({0xff}))) << "too many values";
}

}  // namespace
}  // namespace shardlog::serve
