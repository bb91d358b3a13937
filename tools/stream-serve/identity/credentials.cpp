#include "tools/stream-serve/identity/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "shardlog/core/error.h"
#include "tools/common/descriptor.h"

namespace shardlog::serve::identity {

namespace {

std::string_view without_spaces(std::string_view text) {
  constexpr std::string_view spaces = " \t\r";
  const std::size_t first = std::min(text.find_first_not_of(spaces), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

/// The part of the text between two headings.
struct Section {
  std::string id;
  std::string secret;

  void read(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = without_spaces(line.substr(0, equals));
    const std::string_view value = without_spaces(line.substr(equals + 1));
    if (name == "aws_access_key_id") id = value;
    if (name == "aws_secret_access_key") secret = value;
  }

  void end(Credentials& credentials) {
    if (id.empty() != secret.empty()) {
      throw Error(ErrorCode::usage, "a section has only one of aws_access_key_id and aws_secret_access_key");
    }
    if (!id.empty() && credentials.emplace(id, secret).first->second != secret) {
      throw Error(ErrorCode::usage, "the access key " + quote(id) + " has two secrets");
    }
    *this = {};
  }
};

}  // namespace

Credentials parse_credentials(std::string_view text) {
  Credentials credentials;
  Section section;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = without_spaces(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
    if (line.starts_with('[')) section.end(credentials);
    if (!line.starts_with('#') && !line.starts_with(';')) section.read(line);
  }
  section.end(credentials);
  if (credentials.empty()) throw Error(ErrorCode::usage, "there is no access key, as ~/.aws/credentials has them");
  return credentials;
}

Credentials read_credentials(const std::string& path) {
  const cli::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) throw system_error("read " + quote(path), errno);
  std::string text;
  std::array<char, 4096> bytes{};
  ssize_t size = 0;
  while ((size = ::read(file.get(), bytes.data(), bytes.size())) > 0) {
    text.append(bytes.data(), static_cast<std::size_t>(size));
  }
  if (size < 0) throw system_error("read " + quote(path), errno);
  try {
    return parse_credentials(text);
  } catch (const Error& error) {
    throw Error(error.code(), "--credentials " + quote(path) + ": " + error.what());
  }
}

}  // namespace shardlog::serve::identity
