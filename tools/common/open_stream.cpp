#include "tools/common/open_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "shardlog/core/nearest.h"
#include "tools/common/escapes.h"

namespace shardlog::cli {

namespace {

/// The names of the streams in a directory; empty if it cannot be read.
std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  try {
    for (const std::string& address : shardlog::list_streams(directory.empty() ? "." : directory.string())) {
      names.push_back(std::filesystem::path(address).filename().string());
    }
  } catch (const Error&) {
    names.clear();
  }
  return names;
}

/// A path that was probably meant, as a shell wants it.
std::string meant(const std::filesystem::path& path) {
  return fmt::format("; did you mean {}?", shell_word(path.string()));
}

std::string advice_on_a_directory(const std::filesystem::path& path) {
  const auto names = names_in(path);
  if (names.empty()) return "";
  if (names.size() == 1) return meant(path / names.front());
  return fmt::format("; it holds streams, such as {}", shell_word((path / names.front()).string()));
}

/// Suggests the nearest name in the same directory. If there is none, suggests the same name in the current directory:
/// $STREAM_DIR may lead elsewhere.
std::string advice_on_a_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::string create = "to create it: stream-create " + shell_word(path.string());
  if (const auto guess = nearest(name, names_in(path.parent_path()))) {
    return fmt::format("{} Or {}", meant(path.parent_path() / *guess), create);
  }
  const auto here = names_in(".");
  const bool is_here = std::find(here.begin(), here.end(), name) != here.end();
  return is_here ? fmt::format("{} Or {}", meant("./" + name), create) : "; " + create;
}

/// Suggests the nearest name of the same servers.
std::string advice_on_servers(const std::string& address) {
  const std::string name = name_in(address);
  const std::string create = "to create it: stream-create " + shell_word(shown_name(address));
  std::vector<std::string> names;
  try {
    const std::string all = with_servers(address);
    const std::size_t end = std::min(all.find('?'), all.size());
    for (const std::string& each : shardlog::list_streams(all.substr(0, end - name.size()) + all.substr(end))) {
      names.push_back(name_in(each));
    }
  } catch (const Error&) {
    names.clear();
  }
  const auto guess = nearest(name, names);
  if (!guess) return "; " + create;
  std::string near = shown_name(address);
  near.replace(std::min(near.find('?'), near.size()) - name.size(), name.size(), *guess);
  return fmt::format("; did you mean {}? Or {}", shell_word(near), create);
}

std::string advice(const std::string& address) {
  if (is_of_servers(address)) return advice_on_servers(address);
  std::filesystem::path path(address);
  if (!path.has_filename()) path = path.parent_path();  // a slash at the end
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (status.type() == std::filesystem::file_type::directory) return advice_on_a_directory(path);
  return status.type() == std::filesystem::file_type::not_found ? advice_on_a_name(path) : "";
}

}  // namespace

std::unique_ptr<Stream> open_stream(const std::string& address, Access access, const Context& context) {
  try {
    return shardlog::open(with_servers(address), context.open_options(access), context.clock);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(ErrorCode::not_found, error.what() + advice(address));
  }
}

std::string_view survived(Capabilities::Survives survives) {
  switch (survives) {
    case Capabilities::Survives::process_end:
      return "the end of any process";
    case Capabilities::Survives::power_cut:
      return "a power cut";
    case Capabilities::Survives::machine_loss:
      return "the loss of a machine";
  }
  return "";
}

}  // namespace shardlog::cli
