#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace shardlog::serve::identity {

/// The secret of each access key.
using Credentials = std::map<std::string, std::string, std::less<>>;

/// Reads the form of ~/.aws/credentials: in each section, a line "aws_access_key_id = ID" and a line
/// "aws_secret_access_key = SECRET"; other lines are ignored. (AWS SDKs and Tools Reference Guide, "Shared config and
/// credentials files") Throws usage if a section has only one of the two, or no section has them.
Credentials parse_credentials(std::string_view text);

/// Reads a file of that form. Throws usage, and like system_error().
Credentials read_credentials(const std::string& path);

}  // namespace shardlog::serve::identity
