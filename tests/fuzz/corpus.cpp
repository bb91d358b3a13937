#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/core/frame.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/metrics/measures.h"
#include "support/owned_record.h"

// Writes the inputs that fuzzing starts from: a folder for each target below the one that is named.
namespace shardlog::fuzz {
namespace {

std::vector<std::string> payloads() {
  const auto encoded = [](const std::vector<test::OwnedRecord>& records, Compression compression = Compression::none) {
    return std::string(encode(test::borrow(records), compression).payload.view());
  };
  return {
      encoded({{""}}),
      encoded({{"ab"}, {""}}),
      encoded({{"a", "k1"}, {"b", "k2"}}),
      encoded({{"a", "k1"}, {"\n", std::nullopt, HashKey(256)}, {"", "é", max_hash_key}}),
      encoded({{std::string(300, 'x')}, {"y"}}),
      encoded({{std::string(2000, 'x'), "k"}, {"y"}}, Compression::lz4),
      encoded({{std::string(2000, 'x'), "k"}, {"y"}}, Compression::zstd),
  };
}

std::vector<std::string> frames() {
  std::vector<std::string> result;
  for (const std::string& digits : {std::string("1"), std::string(129, '9')}) {
    const FrameOrigin origin{"00112233-4455-6677-8899-aabbccddeeff", ShardId(3), SequenceNumber::parse(digits).value(),
                             Timestamp(Duration(1'769'854'830'123'456))};
    for (const std::string& payload : payloads()) result.push_back(frame_header(origin, payload) + payload);
  }
  return result;
}

std::vector<std::string> measures() {
  metrics::Measures all;
  all.shards[ShardId(1)] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {1, 1, 1}, {0, 0, 1}};
  all.shards[ShardId(300)].out = {1000, 100'000, 10};
  all.put.add(Duration(1), 100);
  all.put.add(Duration(30'000'000));
  all.readers[""].out = {300, 70'000, 2};
  metrics::ReaderMeasures& consumer = all.readers["00112233-4455-6677-8899-aabbccddeeff"];
  consumer.read.add(Duration(200));
  consumer.propagation.add(Duration(5000), 7);
  consumer.age.add(Duration::max());
  consumer.skewed = 3;
  consumer.processed = 6;
  return {metrics::Measures().encode(), all.encode()};
}

std::vector<std::string> units() {
  return {"0",
          "5000/s,2MiB/s,3 consumers",
          "age<30s",
          "backlog <= 1000",
          "1.5KiB",
          "10M",
          "2.5GB",
          "9223372036854775807B",
          "12.5%",
          "10x",
          "1h30m",
          "1w2d3h4m5s6ms7us",
          "now",
          "-10m",
          "+1.5h",
          "@-1.5",
          "@1769854830.123456",
          "2026-01-31",
          "2026-03-29T02:30",
          "2026-01-31T23:59:60.123456Z",
          "1996-12-19 16:39:57-08:00",
          "trim-horizon",
          "latest",
          "last:10",
          "at:12",
          "after:12",
          "340282366920938463463374607431768211455",
          "shardId-000000000003"};
}

std::vector<std::string> texts() {
  return {R"(\n\t\r\0\\\x1f)", R"(a\x4)", "\"\\\n\r\t\x01\x7f", "\xc2\x80\xc2\x9f\xc2\xa0", "Gänse, 日本語, 😀"};
}

std::vector<std::string> templates() {
  return {R"({key}\t{data}\n)",
          R"({shard} {sequence} {time} {hash}\0)",
          R"({{"key":{key:json},"data":{data:json}}})",
          R"({data:base64}\x7b\x7D\\\r)",
          "{{{data}}}{{}}",
          "{bogus}",
          "{data"};
}

std::vector<std::string> csvs() {
  return {"a,b\nc,d\r\n",
          "1,\"Smith, John\",\"said \"\"hi\"\"\"\r\n",
          "\"two\nlines\",\n\n\"\"\n",
          "5\" pipe,x\n",
          "\"a\"b,c\n\"d\"\r\n",
          "\"never ends\n",
          ",,\n\"\",\"\",\"\"\"\"\n"};
}

/// A line with a JSON pointer, then JSON.
std::vector<std::string> jsons() {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"/a/0", R"({"a":["x",-1.5e+3,true,false,null,{}]})"},
      {"/a~1b/~0", R"( {"a/b" : {"~" : "\u00e9\ud83e\udd8a"}} )"},
      {"", R"("\"\\\/\b\f\n\r\t\u0000")"},
      {"/1/1", R"([[],[0,"Gänse, 日本語, 😀"]])"},
      {"", R"({"data":"a\nb","key":"k\u0041","hash_key":"340282366920938463463374607431768211455"})"},
      {"/data_base64", R"({"key":null,"data_base64":"AP+AfQ==","shard":"shardId-000000000003","sequence":"7"})"},
      {"/key", R"({"data":"","data":"twice","key":""})"},
      {"", "1 2"},
      {"~2", " \t\r"},
  };
  std::vector<std::string> result;
  for (const auto& [pointer, json] : pairs) result.push_back(pointer + '\n' + json);
  return result;
}

/// What clients of the Kinesis API send as texts.
std::vector<std::string> kinesis_texts() {
  return {"49590338271490256608559692538361571095921575989136588898",
          "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
          "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/orders/consumer/billing:1700000000",
          "AAAAAAAAAAE=",
          "127.0.0.1:4567",
          "[::1]:0",
          "X-Amz-Algorithm=a&X-Amz-Credential=b%2Fc%2Fd&X-Amz-Signature=e&X-Amz-SignedHeaders=f&X-Amz-Date=g\n",
          "\nAWS4-HMAC-SHA256 Credential=a/b/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0",
          "a=b&c=%E1%88%B4\nAWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/kinesis/aws4_request, "
          "SignedHeaders=host;x-amz-date, Signature=0",
          "[default]\naws_access_key_id = A\naws_secret_access_key = b\n"};
}

/// Bodies of its requests.
std::vector<std::string> requests() {
  return {R"({"Name":"a"})",
          R"({"Name":"a","Flag":true,"Limit":1,"Arn":"arn:aws:kinesis:r:000000000000:stream/a","Time":1.5,"Type":"A"})",
          R"({"Name":"a","Tags":{"k":"v","":null}})",
          R"({"Name":"a","Records":[{"Data":"QUI=","Key":"k","Hash":"0"},{"Data":"","Key":"é"},null]})",
          R"([{"Name":1e5}])",
          "\xbf\x64Name\x61\x61\x67Records\x81\xa2\x64"
          "Data\x41\x01\x63Key\x61k\xff",
          "\xa2\x64Name\x7f\x61\x61\x61\x62\xff\x64Time\xc1\x1a\x01\x02\x03\x04"};
}

void write(const std::filesystem::path& folder, const std::vector<std::string>& seeds) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(folder / ("seed-" + std::to_string(i)), std::ios::binary);
    file.exceptions(std::ios::badbit | std::ios::failbit);
    file << seeds[i] << std::flush;
  }
}

}  // namespace
}  // namespace shardlog::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_corpus FOLDER\n";
    return 64;
  }
  const std::filesystem::path folder = argv[1];
  shardlog::fuzz::write(folder / "record_batch", shardlog::fuzz::payloads());
  shardlog::fuzz::write(folder / "frame", shardlog::fuzz::frames());
  shardlog::fuzz::write(folder / "measures", shardlog::fuzz::measures());
  shardlog::fuzz::write(folder / "units", shardlog::fuzz::units());
  shardlog::fuzz::write(folder / "text", shardlog::fuzz::texts());
  shardlog::fuzz::write(folder / "template", shardlog::fuzz::templates());
  shardlog::fuzz::write(folder / "csv", shardlog::fuzz::csvs());
  shardlog::fuzz::write(folder / "json", shardlog::fuzz::jsons());
  shardlog::fuzz::write(folder / "kinesis", shardlog::fuzz::kinesis_texts());
  shardlog::fuzz::write(folder / "request", shardlog::fuzz::requests());
  return 0;
}
