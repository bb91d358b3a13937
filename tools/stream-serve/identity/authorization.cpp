#include "tools/stream-serve/identity/authorization.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>

namespace shardlog::serve::identity {

namespace {

using Parameters = std::map<std::string, std::string, std::less<>>;

bool has(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found != parameters.end() && !found->second.empty();
}

/// Cuts "name=value" pieces at any of `separators`.
Parameters parse(std::string_view text, std::string_view separators) {
  Parameters parameters;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find_first_of(separators), text.size());
    const std::string_view piece = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    const std::size_t equals = piece.find('=');
    if (equals != std::string_view::npos) parameters.emplace(piece.substr(0, equals), piece.substr(equals + 1));
  }
  return parameters;
}

/// The third part of "AKID/20261126/us-east-1/kinesis/aws4_request"; in a query its slashes are written %2F.
std::string region_of(std::string credential) {
  for (std::size_t at = 0; (at = credential.find('%', at)) != std::string::npos; ++at) {
    const std::string_view escape = std::string_view(credential).substr(at, 3);
    if (escape == "%2F" || escape == "%2f") credential.replace(at, 3, "/");
  }
  std::string_view rest = credential;
  for (int i = 0; i < 2; ++i) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return "";
    rest.remove_prefix(slash + 1);
  }
  return std::string(rest.substr(0, std::min(rest.find('/'), rest.size())));
}

std::variant<Authorization, Unsigned> in_header(const http::Request& request, std::string_view header) {
  const std::size_t space = std::min(header.find(' '), header.size());
  const Parameters parameters = parse(header.substr(space), ", ");
  std::string missing;
  for (const std::string_view name : {"Credential", "Signature", "SignedHeaders"}) {
    if (!has(parameters, name)) missing += fmt::format("Authorization header requires '{}' parameter. ", name);
  }
  if (!request.header("x-amz-date") && !request.header("date")) {
    missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (!missing.empty()) {
    return Unsigned{"IncompleteSignatureException", fmt::format("{}Authorization={}", missing, header)};
  }
  return Authorization{region_of(parameters.find("Credential")->second)};
}

std::variant<Authorization, Unsigned> in_query(const Parameters& parameters) {
  std::string missing;
  for (const std::string_view name :
       {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}) {
    if (!has(parameters, name)) missing += fmt::format("AWS query-string parameters must include '{}'. ", name);
  }
  if (!missing.empty()) {
    return Unsigned{"IncompleteSignatureException", missing + "Re-examine the query-string parameters."};
  }
  return Authorization{region_of(parameters.find("X-Amz-Credential")->second)};
}

}  // namespace

std::variant<Authorization, Unsigned> read_authorization(const http::Request& request) {
  const auto header = request.header("authorization");
  const std::size_t mark = request.target.find('?');
  const Parameters query =
      mark == std::string::npos ? Parameters() : parse(std::string_view(request.target).substr(mark + 1), "&");
  const bool is_in_query = query.contains("X-Amz-Algorithm");
  if (header && is_in_query) {
    return Unsigned{"InvalidSignatureException",
                    "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."};
  }
  if (header) return in_header(request, *header);
  if (is_in_query) return in_query(query);
  return Unsigned{"MissingAuthenticationTokenException", "Missing Authentication Token"};
}

}  // namespace shardlog::serve::identity
