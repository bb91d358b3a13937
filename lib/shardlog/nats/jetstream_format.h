#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/nats/jetstream.h"

/// The JSON of JetStream's API (NATS documentation, "JetStream wire API"). What is not as expected throws io.
namespace shardlog::nats {

/// A parsed text, and the parser that owns it.
class Json {
 public:
  explicit Json(std::string_view text);

  [[nodiscard]] const simdjson::dom::element& operator*() const { return root_; }

 private:
  simdjson::padded_string text_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

std::string json_of(const JetStreamConfig& config);

/// Of the answer to STREAM.CREATE, STREAM.UPDATE and STREAM.INFO.
JetStreamInfo info_in(const simdjson::dom::element& answer);

/// Of the answer to STREAM.MSG.GET.
KeptMessage message_in(const simdjson::dom::element& answer);

/// The error that an answer tells; nullopt if it tells none.
std::optional<std::variant<Refusal, Unavailable>> error_in(const simdjson::dom::element& answer);

}  // namespace shardlog::nats
