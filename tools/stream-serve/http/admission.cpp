#include "tools/stream-serve/http/admission.h"

#include <algorithm>

#include "shardlog/core/numbers.h"
#include "tools/stream-serve/http/address.h"

namespace shardlog::serve::http {

namespace {

Response refusal(int status, const std::string& why) {
  return {status, {{"content-type", "text/plain; charset=utf-8"}}, why + "\n"};
}

bool is_known_host(const std::string& host, const Admission& admission) {
  return is_loopback(host) || (admission.any_address && is_address(host)) ||
         std::find(admission.hosts.begin(), admission.hosts.end(), host) != admission.hosts.end();
}

/// False without a Host too, and unless every one of several is known.
bool has_known_host(const Request& request, const Admission& admission) {
  std::size_t hosts = 0;
  for (const auto& [name, value] : request.headers) {
    if (name != "host") continue;
    ++hosts;
    if (!is_known_host(host_of(value), admission)) return false;
  }
  return hosts > 0;
}

bool is_allowed_origin(std::string_view origin, const Admission& admission) {
  return std::any_of(admission.origins.begin(), admission.origins.end(),
                     [origin](const std::string& allowed) { return allowed == "*" || allowed == origin; });
}

/// Whether the length is announced and too large.
bool is_too_large(const Request& request) {
  const auto length = request.header("content-length");
  return length && parse_number<std::uint64_t>(*length).value_or(most_body_bytes + 1) > most_body_bytes;
}

/// The answer to a browser that asks before it sends (Fetch standard, "CORS-preflight request").
Response preflight_answer(const Request& request) {
  Response response{200, sharing_headers(request)};
  const auto answer = [&](std::string_view asked, const char* name) {
    if (const auto value = request.header(asked)) response.headers.emplace_back(name, *value);
  };
  answer("access-control-request-headers", "access-control-allow-headers");
  answer("access-control-request-method", "access-control-allow-methods");
  response.headers.emplace_back("access-control-max-age", "172800");
  return response;
}

}  // namespace

void Admission::allow_address(const std::string& host) {
  any_address = host == "0.0.0.0" || host == "::";
  if (!any_address) hosts.push_back(host);
}

std::optional<Response> admit(const Request& request, const Admission& admission) {
  if (!has_known_host(request, admission)) {
    return refusal(403, "this Host is not known: start stream-serve with --allow-host NAME to allow it");
  }
  const auto origin = request.header("origin");
  if (origin && !is_allowed_origin(*origin, admission)) {
    return refusal(403,
                   "web pages may not use this server: start stream-serve with --allow-origin ORIGIN to allow one");
  }
  if (is_too_large(request)) return refusal(413, "a request may have 16 MiB");
  if (origin && request.method == "OPTIONS") return preflight_answer(request);
  return std::nullopt;
}

Headers sharing_headers(const Request& request) {
  const auto origin = request.header("origin");
  if (!origin) return {};
  return {{"access-control-allow-origin", std::string(*origin)},
          {"access-control-expose-headers", "x-amzn-RequestId,x-amz-id-2,Date"},
          {"vary", "origin"}};
}

}  // namespace shardlog::serve::http
