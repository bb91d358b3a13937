#include <string>

#include "fuzz/fuzz.h"
#include "shardlog/core/frame.h"
#include "support/frame_parts.h"
#include "support/inspect.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Any bytes are refused, or a frame that can be read to its end and is written again as it was.
namespace shardlog::fuzz {
namespace {

void read_and_write(std::string_view bytes) {
  if (bytes.size() >= frame_prefix_size) {
    require(frame_size(bytes.substr(0, frame_prefix_size)) <= largest_frame, "no frame is over the limit");
  }
  const Frame frame = test::read_frame(bytes);
  require(test::hangs_together(frame.records), "a batch agrees with itself");
  const std::string_view payload = frame.records.payload();
  require(frame_header(frame.origin, payload) + std::string(payload) == bytes, "what was read is written as it was");
}

void check(std::string_view bytes) {
  const auto code = test::refusal([&] { read_and_write(bytes); });
  require(!code || code == ErrorCode::malformed || code == ErrorCode::unsupported,
          "refused as malformed or unsupported");
}

/// Makes the size of the payload and both checksums right, as far as there is room for them.
void seal_all(std::string& frame) {
  const std::size_t header = frame_prefix_size + static_cast<unsigned char>(frame[5]);
  if (frame.size() >= header) {
    std::string payload = frame.substr(header);
    if (payload.size() >= 32) test::seal(payload);
    frame.replace(header, payload.size(), payload);
    frame.replace(8, 4, test::little_endian(static_cast<std::uint32_t>(payload.size())));
  }
  test::seal_frame(frame);
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string frame(shardlog::fuzz::text_of(data, size));
  shardlog::fuzz::check(frame);
  if (size >= shardlog::frame_prefix_size) {
    shardlog::fuzz::seal_all(frame);
    shardlog::fuzz::check(frame);
  }
  return 0;
}
