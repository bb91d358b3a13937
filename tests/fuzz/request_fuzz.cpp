#include <string>

#include "fuzz/fuzz.h"
#include "tools/stream-serve/api/check.h"
#include "tools/stream-serve/api/model.h"
#include "tools/stream-serve/wire/cbor_in.h"
#include "tools/stream-serve/wire/json_in.h"

// The body of a request, as JSON and as CBOR. It is refused, or keeps to all constraints of a type that has members of
// every kind.
namespace shardlog::fuzz {
namespace {

using namespace serve::api;

const std::vector<Member>& members() {
  static const std::vector<Member> all{
      {"Flag", boolean()},
      {"Limit", integer(1, 10'000)},
      {"Name", name(), true},
      {"Arn", stream_arn()},
      {"Time", timestamp()},
      {"Type", enumeration({"A", "B"})},
      {"Tags", tags()},
      {"Records",
       list_of(structure({{"Data", data(), true}, {"Key", partition_key(), true}, {"Hash", hash_key()}}), 1, 500)}};
  return all;
}

void check_record(const serve::wire::Value& record) {
  const auto* const bytes = record.find("Data");
  const auto* const key = record.find("Key");
  require(bytes != nullptr && bytes->kind == serve::wire::Value::Kind::bytes, "data is decoded");
  require(key != nullptr && !key->text.empty() && key->text.size() <= 4 * 256, "a key has its length");
}

void check_request(std::optional<serve::wire::Document> request) {
  if (!request || request->root.kind != serve::wire::Value::Kind::structure) return;
  if (check_types(*request, members())) return;
  if (check_constraints(request->root, members())) return;
  require(request->root.find("Name") != nullptr, "what is required is there");
  if (const auto* const records = request->root.find("Records")) {
    for (const auto& record : records->items) check_record(record);
  }
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shardlog;
  fuzz::check_request(serve::wire::read_json(fuzz::text_of(data, size)));
  fuzz::check_request(serve::wire::read_cbor(fuzz::text_of(data, size)));
  return 0;
}
