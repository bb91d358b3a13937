#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace shardlog::serve::wire {

/// A message of an event stream (application/vnd.amazon.eventstream), which is the answer to SubscribeToShard. All
/// numbers are big-endian, and the checksums are CRC-32 of everything before them:
///
///     length of the message: 4 | of the headers: 4 | checksum: 4 | headers | payload | checksum: 4
///
/// and a header is
///
///     length of the name: 1 | name | 7, for a text | length of the text: 2 | text
///
/// (smithy.io, "Amazon Event Stream Specification")
std::string event_frame(std::initializer_list<std::pair<std::string_view, std::string_view>> headers,
                        std::string_view payload);

}  // namespace shardlog::serve::wire
