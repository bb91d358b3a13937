#include "tools/stream-serve/identity/signature.h"

#include <fmt/format.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "shardlog/core/numbers.h"
#include "tools/stream-serve/identity/percent.h"

namespace shardlog::serve::identity {

namespace {

using Digest = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;

constexpr Duration tolerance = std::chrono::minutes(15);
constexpr std::string_view invalid_signature = "InvalidSignatureException";
constexpr std::string_view incomplete_signature = "IncompleteSignatureException";

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Digest hash_of(std::string_view text) {
  sha256_ctx context{};
  sha256_init(&context);
  sha256_update(&context, text.size(), bytes_of(text));
  Digest digest{};
  sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

Digest keyed_hash_of(std::span<const std::uint8_t> key, std::string_view text) {
  hmac_sha256_ctx context{};
  hmac_sha256_set_key(&context, key.size(), key.data());
  hmac_sha256_update(&context, text.size(), bytes_of(text));
  Digest digest{};
  hmac_sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

std::string hexadecimal(const Digest& digest) {
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const std::size_t size = text.find(separator);
    pieces.push_back(text.substr(0, size));
    if (size == std::string_view::npos) return pieces;
    text.remove_prefix(size + 1);
  }
}

/// Without "." and empty parts, and without each part before a "..".
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
  }
  std::string canonical;
  for (const std::string_view part : parts) canonical += "/" + percent_encode(part);
  const bool ends_with_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  return ends_with_slash || canonical.empty() ? canonical + "/" : canonical;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const std::string_view piece : split(query, '&')) {
    const std::size_t equals = std::min(piece.find('='), piece.size());
    std::string name = percent_encode(percent_decode(piece.substr(0, equals)));
    if (piece.empty() || name == "X-Amz-Signature") continue;
    const std::string_view value = piece.substr(std::min(equals + 1, piece.size()));
    parameters.emplace_back(std::move(name), percent_encode(percent_decode(value)));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    canonical += fmt::format("{}{}={}", canonical.empty() ? "" : "&", name, value);
  }
  return canonical;
}

/// Without spaces around it, and with one space instead of several.
std::string canonical_value(std::string_view value) {
  std::string canonical;
  for (const char c : value) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n';
    if (!is_space) canonical += c;
    if (is_space && !canonical.empty() && canonical.back() != ' ') canonical += ' ';
  }
  if (canonical.ends_with(' ')) canonical.pop_back();
  return canonical;
}

std::string canonical_headers(const http::Request& request, std::string_view signed_headers) {
  std::string canonical;
  for (const std::string_view name : split(signed_headers, ';')) {
    canonical += fmt::format("{}:", name);
    bool is_first = true;
    for (const auto& [each, value] : request.headers) {
      if (each != name) continue;
      canonical += (std::exchange(is_first, false) ? "" : ",") + canonical_value(value);
    }
    canonical += "\n";
  }
  return canonical;
}

std::string canonical_request(const http::Request& request, const Authorization& authorization) {
  const std::string_view target = request.target;
  const std::size_t mark = std::min(target.find('?'), target.size());
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(target.substr(0, mark)),
                     canonical_query(target.substr(std::min(mark + 1, target.size()))),
                     canonical_headers(request, authorization.signed_headers), authorization.signed_headers,
                     hexadecimal(hash_of(request.body)));
}

/// "ID/20261126/us-east-1/kinesis/aws4_request"
struct Scope {
  std::string_view id;
  std::string_view date;
  std::string_view region;
  std::string_view service;
  std::string_view end;
};

std::optional<Scope> scope_of(std::string_view credential) {
  const auto parts = split(credential, '/');
  if (parts.size() < 5) return std::nullopt;
  const std::size_t at = parts.size() - 4;  // an id may have slashes
  const std::size_t id_size = static_cast<std::size_t>(parts[at].data() - credential.data()) - 1;
  return Scope{credential.substr(0, id_size), parts[at], parts[at + 1], parts[at + 2], parts[at + 3]};
}

/// "20261126T000000Z"
std::optional<Timestamp> time_of(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t size) {
    return parse_number<std::uint32_t>(text.substr(at, size));
  };
  const auto year = number(0, 4);
  const auto month = number(4, 2);
  const auto day = number(6, 2);
  const auto hour = number(9, 2);
  const auto minute = number(11, 2);
  const auto second = number(13, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::string text_of(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

/// A URL may be signed for longer.
std::optional<Unsigned> check_time(const Authorization& authorization, Timestamp now) {
  const auto signed_at = time_of(authorization.date);
  if (!signed_at) {
    return Unsigned{incomplete_signature,
                    fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'.", authorization.date)};
  }
  constexpr std::uint32_t most_seconds = 7 * 24 * 60 * 60;
  Duration lasts = tolerance;
  if (authorization.expires) {
    const auto seconds = parse_number<std::uint32_t>(*authorization.expires);
    if (!seconds || *seconds == 0 || *seconds > most_seconds) {
      return Unsigned{incomplete_signature, "X-Amz-Expires must be a number of seconds from 1 to 604800."};
    }
    lasts = std::chrono::seconds(*seconds);
  }
  if (*signed_at + lasts < now) {
    return Unsigned{invalid_signature, fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)",
                                                   text_of(*signed_at), text_of(now - lasts), text_of(now),
                                                   std::chrono::floor<std::chrono::minutes>(lasts).count())};
  }
  if (*signed_at - tolerance <= now) return std::nullopt;
  return Unsigned{invalid_signature, fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                                                 text_of(*signed_at), text_of(now + tolerance), text_of(now))};
}

std::optional<Unsigned> check_scope(const Scope& scope, const Authorization& authorization, std::string_view region) {
  std::string wrong;
  if (!region.empty() && scope.region != region) {
    wrong += fmt::format("Credential should be scoped to a valid region, not '{}'. ", scope.region);
  }
  if (scope.service != "kinesis") wrong += "Credential should be scoped to correct service: 'kinesis'. ";
  if (scope.end != "aws4_request") {
    wrong += fmt::format("Credential should be scoped with a valid terminator: 'aws4_request', not '{}'. ", scope.end);
  }
  if (scope.date != std::string_view(authorization.date).substr(0, 8)) {
    wrong += fmt::format(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        "'{}' != '{}'. ",
        scope.date, authorization.date.substr(0, 8));
  }
  return wrong.empty() ? std::nullopt : std::optional(Unsigned{invalid_signature, wrong});
}

/// The headers that say what is asked, and of whom, must not be changed on the way.
std::optional<Unsigned> check_headers(const http::Request& request, const Authorization& authorization) {
  const auto names = split(authorization.signed_headers, ';');
  const auto is_signed = [&names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool has_signed_authority = is_signed(":authority") && request.header(":authority");  // only HTTP/2 has one
  if (!is_signed("host") && !has_signed_authority) {
    return Unsigned{invalid_signature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."};
  }
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with("x-amz-") && name != "x-amz-date" && !is_signed(name)) {  // the date is signed in another way
      return Unsigned{invalid_signature, fmt::format("'{}' must be a 'SignedHeader' in the AWS Authorization.", name)};
    }
  }
  return std::nullopt;
}

/// Nullptr if there is no such key.
const std::string* secret_for(const Authorization& authorization, const Credentials& credentials) {
  const auto scope = scope_of(authorization.credential);
  const auto key = scope ? credentials.find(scope->id) : credentials.end();
  return key != credentials.end() ? &key->second : nullptr;
}

}  // namespace

std::string signature_of(const http::Request& request, const Authorization& authorization, std::string_view secret) {
  const auto scope = scope_of(authorization.credential);
  if (!scope) return "";
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}/{}/{}/{}\n{}", authorization.date, scope->date, scope->region,
                  scope->service, scope->end, hexadecimal(hash_of(canonical_request(request, authorization))));
  const std::string first = fmt::format("AWS4{}", secret);
  Digest key = keyed_hash_of({bytes_of(first), first.size()}, scope->date);
  for (const std::string_view part : {scope->region, scope->service, scope->end}) key = keyed_hash_of(key, part);
  return hexadecimal(keyed_hash_of(key, to_sign));
}

std::optional<Unsigned> verify_claim(const http::Request& request, const Authorization& authorization,
                                     const Credentials& credentials, std::string_view region, Timestamp now) {
  if (authorization.algorithm != known_algorithm) {
    return Unsigned{incomplete_signature, fmt::format("Unsupported AWS 'algorithm': '{}'.", authorization.algorithm)};
  }
  const auto scope = scope_of(authorization.credential);
  if (!scope) {
    return Unsigned{incomplete_signature, fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                                                      "keyid/date/region/service/term, got '{}'",
                                                      authorization.credential)};
  }
  if (auto wrong = check_scope(*scope, authorization, region)) return wrong;
  if (auto wrong = check_headers(request, authorization)) return wrong;
  if (auto wrong = check_time(authorization, now)) return wrong;
  if (secret_for(authorization, credentials) != nullptr) return std::nullopt;
  return Unsigned{"UnrecognizedClientException", "The security token included in the request is invalid."};
}

std::optional<Unsigned> verify(const http::Request& request, const Authorization& authorization,
                               const Credentials& credentials, std::string_view region, Timestamp now) {
  if (auto wrong = verify_claim(request, authorization, credentials, region, now)) return wrong;
  const std::string* const secret = secret_for(authorization, credentials);
  const std::string expected = signature_of(request, authorization, *secret);
  const bool is_right = authorization.signature.size() == expected.size() &&
                        memeql_sec(authorization.signature.data(), expected.data(), expected.size()) != 0;
  if (is_right) return std::nullopt;
  return Unsigned{invalid_signature,
                  "The request signature we calculated does not match the signature you provided. Check your AWS "
                  "Secret Access Key and signing method. Consult the service documentation for details."};
}

}  // namespace shardlog::serve::identity
