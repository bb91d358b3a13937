#include "tools/stream-serve/api/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "shardlog/core/uuid.h"
#include "tools/common/base64.h"
#include "tools/stream-serve/api/check.h"
#include "tools/stream-serve/http/admission.h"
#include "tools/stream-serve/identity/authorization.h"
#include "tools/stream-serve/identity/signature.h"
#include "tools/stream-serve/wire/cbor_in.h"
#include "tools/stream-serve/wire/json_in.h"

namespace shardlog::serve::api {

namespace {

constexpr std::string_view json_type = wire::media_type(wire::Form::json);
constexpr std::string_view cbor_type = wire::media_type(wire::Form::cbor);
constexpr std::string_view plain_json_type = "application/json";
constexpr std::string_view target_prefix = "Kinesis_20131202.";
constexpr const char* default_region = "us-east-1";

http::Response in_form(wire::Form form, int status, std::string body) {
  return {status, {{"content-type", std::string(wire::media_type(form))}}, std::move(body)};
}

/// The service calls the text of this one error "Message", and of all others "message".
http::Response refused(wire::Form form, const Refusal& refusal) {
  const auto body = wire::make_writer(form);
  body->begin_structure();
  body->text("__type", refusal.type);
  if (!refusal.message.empty()) body->text(refusal.type == serialization ? "Message" : "message", refusal.message);
  body->end_structure();
  http::Response response = in_form(form, refusal.status, body->take());
  response.headers.emplace_back("x-amzn-ErrorType", refusal.type);
  return response;
}

/// The answer to any plain JSON: the service gets no further with it.
http::Response refused_plain(int status, std::string_view type) {
  return {status,
          {{"content-type", std::string(plain_json_type)}},
          fmt::format(R"({{"Output":{{"__type":"com.amazon.coral.service#{}"}},"Version":"1.0"}})", type)};
}

/// The answer in XML to what does not look like a request of the API.
http::Response xml(int status, std::string_view type, std::string_view message = {}) {
  const std::string body = message.empty() ? fmt::format("<{}/>\n", type)
                                           : fmt::format("<{0}>\n  <Message>{1}</Message>\n</{0}>\n", type, message);
  return {status, {{"content-type", "text/xml"}}, body};
}

http::Response no_operation() {
  return xml(403, access_denied, "Unable to determine service/operation name to be authorized");
}

/// The answer to a request of another type than those of the API.
http::Response not_ours(std::string_view target) {
  return target.find('.') == std::string_view::npos ? no_operation() : xml(404, unknown_operation);
}

std::string_view without_parameters(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

bool is_known(std::string_view type) {
  return type == json_type || type == cbor_type || type == plain_json_type;
}

wire::Form form_of(std::string_view type) {
  return type == json_type || type == plain_json_type ? wire::Form::json : wire::Form::cbor;
}

/// 72 random bytes in base64, as the service has them: 64 to 80.
std::string random_id() {
  std::string bytes;
  while (bytes.size() < 72) bytes += random_hex();
  std::string id;
  cli::append_base64(id, std::string_view(bytes).substr(0, 72));
  return id;
}

/// Adds the headers that all answers have.
http::Response whole(http::Response response, const http::Request& request) {
  response.headers.emplace_back("x-amzn-RequestId", make_uuid());
  response.headers.emplace_back("x-amz-id-2", random_id());
  for (auto& header : http::sharing_headers(request)) response.headers.push_back(std::move(header));
  return response;
}

/// What an action calls a failure of the service. The errors of these four have a name of their own for it, so that
/// SDKs have an exception for it; the others use the name that all services have (Kinesis API, "Errors" of each
/// action).
std::string_view failure_of(std::string_view action) {
  constexpr std::array<std::string_view, 4> actions{"GetRecords", "GetShardIterator", "PutRecord", "PutRecords"};
  return std::find(actions.begin(), actions.end(), action) == actions.end() ? internal_failure : documented_failure;
}

/// What an error of the library means to a client. Only what may be tried again is a status that SDKs try again.
Refusal refusal_for(const Error& error) {
  switch (error.code()) {
    case ErrorCode::usage:
    case ErrorCode::malformed:
      return {invalid_argument, error.what()};
    case ErrorCode::permission:
      return {access_denied, error.what()};
    case ErrorCode::busy:
    case ErrorCode::full:
      return {unavailable, error.what(), 503};
    default:
      return {internal_failure, error.what(), 500};
  }
}

}  // namespace

Service::Service(const Environment& environment, ServiceOptions options)
    : environment_(environment), options_(std::move(options)) {
  for (Action& action : actions()) {
    std::string name(action.name);
    actions_.emplace(std::move(name), std::move(action));
  }
}

std::optional<http::Response> Service::admit(const http::Request& request) const {
  if (request.method != "POST") return whole(no_operation(), request);
  if (!options_.credentials) return std::nullopt;
  const std::string_view type = without_parameters(request.header("content-type").value_or(""));
  if (!is_known(type)) return whole(not_ours(request.header("x-amz-target").value_or("")), request);
  const auto authorized = authorize(request, identity::verify_claim);
  const auto* const wrong = std::get_if<identity::Unsigned>(&authorized);
  if (wrong == nullptr) return std::nullopt;
  return whole(refused(form_of(type), {wrong->type, wrong->message}), request);
}

http::Response Service::answer(const http::Request& request) const {
  try {
    return whole(request.method == "POST" ? answer_post(request) : no_operation(), request);
  } catch (const std::bad_alloc&) {
    environment_.report("out of memory");
    return {503};
  }
}

http::Response Service::answer_post(const http::Request& request) const {
  const std::string_view target = request.header("x-amz-target").value_or("");
  const bool is_ours = target.starts_with(target_prefix);
  const auto action = is_ours ? actions_.find(target.substr(target_prefix.size())) : actions_.end();
  const std::string_view type = without_parameters(request.header("content-type").value_or(""));
  const wire::Form form = form_of(type);
  if (request.body.empty()) {
    return refused(type == json_type ? form : wire::Form::cbor,
                   {action != actions_.end() ? serialization : unknown_operation, ""});
  }
  if (!is_known(type)) return not_ours(target);
  auto document = form == wire::Form::json ? wire::read_json(request.body) : wire::read_cbor(request.body);
  const bool is_valid = document && document->root.kind == wire::Value::Kind::structure;
  if (type == plain_json_type) {
    return is_valid ? refused_plain(404, unknown_operation) : refused_plain(400, serialization);
  }
  if (!is_valid) return refused(form, {serialization, ""});
  if (action == actions_.end()) return refused(form, {unknown_operation, ""});
  return run(action->second, *document, request, form);
}

std::variant<identity::Authorization, identity::Unsigned> Service::authorize(const http::Request& request,
                                                                             Verify& verify) const {
  auto authorized = identity::read_authorization(request);
  const auto* const authorization = std::get_if<identity::Authorization>(&authorized);
  if (authorization == nullptr || !options_.credentials) return authorized;
  auto wrong = verify(request, *authorization, *options_.credentials, options_.region, environment_.clock.now());
  if (wrong) return std::move(*wrong);
  return authorized;
}

http::Response Service::run(const Action& action, wire::Document& input, const http::Request& request,
                            wire::Form form) const {
  const auto authorized = authorize(request, identity::verify);
  if (const auto* const wrong = std::get_if<identity::Unsigned>(&authorized)) {
    return refused(form, {wrong->type, wrong->message});
  }
  const auto& authorization = std::get<identity::Authorization>(authorized);
  std::string region = options_.region;
  if (region.empty()) region = authorization.region();
  if (region.empty()) region = default_region;
  Check refusal = check_types(input, action.members);
  if (!refusal) refusal = check_constraints(input.root, action.members);
  std::size_t room = largest_answer;
  if (!refusal && action.is_large && request.take_room) {
    room = request.take_room(largest_answer);
    if (room == 0) refusal = Refusal{unavailable, "Too many answers wait for clients that are slow to read them.", 503};
  }
  const auto output = wire::make_writer(form);
  if (!refusal) {
    Call call{environment_, {std::move(region), options_.account}, input.root, *output, form, action.name, action.needs,
              room};
    refusal = run_action(action, call);
    if (!refusal && call.events)
      return {200, {{"content-type", "application/vnd.amazon.eventstream"}}, {}, call.events};
  }
  if (refusal) {
    if (refusal->type == internal_failure) refusal->type = failure_of(action.name);
    return refused(form, *refusal);
  }
  return in_form(form, 200, action.answers ? output->take() : "");
}

/// The one place where errors of the library become answers.
Check Service::run_action(const Action& action, Call& call) const {
  try {
    return action.run(call);
  } catch (const Error& error) {
    const Refusal refusal = refusal_for(error);
    if (refusal.status >= 500) environment_.report(fmt::format("{}: {}", action.name, error.what()));
    return refusal;
  }
}

}  // namespace shardlog::serve::api
