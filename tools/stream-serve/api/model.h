#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/stream-serve/api/type.h"

/// Types of the members of requests (Kinesis API reference; botocore, data/kinesis/2013-12-02/service-2.json).
namespace shardlog::serve::api {

Type boolean();
Type integer(std::int64_t least, std::int64_t most);
Type positive_integer();
Type text(std::int64_t least, std::int64_t most);
Type timestamp();
Type enumeration(std::vector<std::string_view> words);
Type list_of(Type item, std::int64_t least, std::int64_t most);
Type structure(std::vector<Member> members);

Type name();  ///< of a stream, a consumer or a shard
Type stream_arn();
Type consumer_arn();
Type resource_arn();  ///< of a stream or a consumer
Type stream_id();     ///< reserved for future use (Kinesis API)
Type hash_key();
Type sequence_number();
Type partition_key();
Type data();
Type tags();

constexpr std::int64_t most_data_bytes = 10L * 1024 * 1024;

}  // namespace shardlog::serve::api
