#include "tools/stream-serve/identity/authorization.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>

#include "tools/stream-serve/identity/percent.h"

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

std::string value_of(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
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
  return Authorization{value_of(parameters, "Credential"),
                       value_of(parameters, "SignedHeaders"),
                       value_of(parameters, "Signature"),
                       std::string(request.header("x-amz-date").value_or(request.header("date").value_or(""))),
                       std::nullopt,
                       std::string(header.substr(0, space))};
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
  const auto expires = parameters.find("X-Amz-Expires");
  return Authorization{value_of(parameters, "X-Amz-Credential"),
                       value_of(parameters, "X-Amz-SignedHeaders"),
                       value_of(parameters, "X-Amz-Signature"),
                       value_of(parameters, "X-Amz-Date"),
                       expires == parameters.end() ? std::nullopt : std::optional(expires->second),
                       value_of(parameters, "X-Amz-Algorithm")};
}

}  // namespace

std::string Authorization::region() const {
  std::string_view rest = credential;
  for (int i = 0; i < 2; ++i) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return "";
    rest.remove_prefix(slash + 1);
  }
  return std::string(rest.substr(0, rest.find('/')));
}

std::variant<Authorization, Unsigned> read_authorization(const http::Request& request) {
  const auto header = request.header("authorization");
  const std::size_t mark = request.target.find('?');
  Parameters query =
      mark == std::string::npos ? Parameters() : parse(std::string_view(request.target).substr(mark + 1), "&");
  for (auto& [name, value] : query) value = percent_decode(value);
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
