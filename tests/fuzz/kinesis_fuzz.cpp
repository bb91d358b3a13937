#include <chrono>
#include <string>
#include <variant>

#include "fuzz/fuzz.h"
#include "shardlog/kinesis/arn.h"
#include "shardlog/kinesis/sequence_number.h"
#include "support/refusal.h"
#include "tools/stream-serve/http/address.h"
#include "tools/stream-serve/identity/authorization.h"
#include "tools/stream-serve/identity/credentials.h"
#include "tools/stream-serve/identity/iterator.h"
#include "tools/stream-serve/identity/signature.h"
#include "tools/stream-serve/identity/token.h"

// What clients of the Kinesis API send as texts: sequence numbers, ARNs, iterators, page tokens, signatures, hosts;
// and the file of access keys.
// Each is refused, or is read in one way and written again as it was.
namespace shardlog::fuzz {
namespace {

void check_names(std::string_view text) {
  if (const auto number = kinesis::parse_sequence_number(text)) {
    require(kinesis::parse_sequence_number(kinesis::to_string(*number)) == number, "a sequence number is read again");
  }
  if (const auto arn = kinesis::parse_stream_arn(text)) {
    const auto again = kinesis::parse_stream_arn(kinesis::to_string(*arn));
    require(again && again->stream == arn->stream && kinesis::is_name(arn->stream), "an ARN is read again");
  }
  if (const auto arn = kinesis::parse_consumer_arn(text)) {
    require(kinesis::parse_consumer_arn(kinesis::to_string(*arn)).has_value(), "a consumer's ARN is read again");
  }
}

void check_tokens(std::string_view text) {
  // The checksum would refuse nearly everything, so the bytes are sealed too.
  serve::identity::TokenWriter sealed;
  for (const char byte : text.substr(0, 300)) sealed.number(static_cast<unsigned char>(byte), 1);
  for (const std::string& token : {std::string(text), sealed.seal(0)}) {
    if (const auto iterator = serve::identity::parse_iterator(token)) {
      const std::string again = serve::identity::to_string(*iterator);
      const auto parsed = serve::identity::parse_iterator(again);
      require(parsed && serve::identity::to_string(*parsed) == again, "an iterator is read again");
    }
    static_cast<void>(serve::identity::parse_shard_list_token(token));
  }
}

/// What is signed with the secret passes, or is refused for another reason than its signature.
void check_verification(const serve::http::Request& request) {
  const auto read = serve::identity::read_authorization(request);
  const auto* const found = std::get_if<serve::identity::Authorization>(&read);
  if (found == nullptr) return;
  serve::identity::Authorization authorization = *found;
  const auto verified = [&] {
    return serve::identity::verify(request, authorization, {{"a", "secret"}}, "",
                                   Timestamp(std::chrono::sys_days(std::chrono::year(2015) / 8 / 30)));
  };
  const bool is_signed = authorization.signature == serve::identity::signature_of(request, authorization, "secret");
  require(is_signed || verified().has_value(), "only a signature is accepted");
  authorization.signature = serve::identity::signature_of(request, authorization, "secret");
  const auto wrong = verified();
  require(!wrong || wrong->message.find("does not match the signature") == std::string::npos,
          "a signature is accepted");
}

void check_signature(std::string_view text) {
  const std::size_t line = std::min(text.find('\n'), text.size());
  serve::http::Request request{"POST", "/?" + std::string(text.substr(0, line))};
  check_verification(request);
  request.headers = {{"authorization", std::string(text.substr(line))}, {"x-amz-date", "20150830T123600Z"}};
  check_verification(request);
}

void check_credentials(std::string_view text) {
  const auto code = test::refusal([&] { serve::identity::parse_credentials(text); });
  require(!code || code == ErrorCode::usage, "credentials are refused as usage");
}

void check_address(std::string_view text) {
  const auto code = test::refusal([&] { serve::http::parse_address(std::string(text)); });
  require(!code || code == ErrorCode::usage, "an address is refused as usage");
  static_cast<void>(serve::http::is_loopback(serve::http::host_of(text)));
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = shardlog::fuzz::text_of(data, size);
  shardlog::fuzz::check_names(input);
  shardlog::fuzz::check_tokens(input);
  shardlog::fuzz::check_signature(input);
  shardlog::fuzz::check_credentials(input);
  shardlog::fuzz::check_address(input);
  return 0;
}
