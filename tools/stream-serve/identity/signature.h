#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "tools/stream-serve/http/message.h"
#include "tools/stream-serve/identity/authorization.h"
#include "tools/stream-serve/identity/credentials.h"

/// AWS Signature Version 4 (AWS Identity and Access Management User Guide, "Create a signed AWS API request"). Pure.
namespace shardlog::serve::identity {

/// The signature that the request should have, in hexadecimal.
std::string signature_of(const http::Request& request, const Authorization& authorization, std::string_view secret);

/// The part of verify() that needs no body: nullopt if one of the credentials can have signed the request.
std::optional<Unsigned> verify_claim(const http::Request& request, const Authorization& authorization,
                                     const Credentials& credentials, std::string_view region, Timestamp now);

/// Whether one of the credentials signed the request, for Kinesis in this region (empty: any), not more than 15 minutes
/// before or after `now`. Nullopt if so. (The messages are those of the service.)
std::optional<Unsigned> verify(const http::Request& request, const Authorization& authorization,
                               const Credentials& credentials, std::string_view region, Timestamp now);

}  // namespace shardlog::serve::identity
