#include "tools/common/option_types.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "shardlog/stream.h"

namespace shardlog::cli {

namespace {

/// The name by which messages call an option: its long one, which is the last.
std::string long_name(const std::string& names) {
  return names.substr(names.rfind("--"));
}

}  // namespace

Duration duration_or_throw(const std::string& option, const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration)
    throw CLI::ValidationError(option + " '" + text + "' is no duration: a number and us, ms, s, m, h, d or w");
  return *duration;
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, Duration& into, const std::string& description) {
  return app
      .add_option_function<std::string>(
          names,
          [&into, option = long_name(names)](const std::string& text) { into = duration_or_throw(option, text); },
          description)
      ->type_name("DURATION");
}

CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& into, const std::string& description) {
  const auto parse = [&into, option = long_name(names)](const std::string& text) {
    const auto size = parse_size(text);
    if (!size) {
      throw CLI::ValidationError(
          fmt::format("{} '{}' is no size: a number and k, M, G, KiB, MiB, GiB, kB, MB, GB or nothing", option, text));
    }
    into = *size;
  };
  return app.add_option_function<std::string>(names, parse, description)->type_name("SIZE");
}

CLI::Option* add_count(CLI::App& app, const std::string& names, const std::function<void(std::uint64_t)>& set,
                       std::uint64_t least, std::uint64_t most, const std::string& description) {
  const auto parse = [set, least, most, option = long_name(names)](const std::string& text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && stop == text.data() + text.size();
    if (!whole || number < least || number > most) {
      throw CLI::ValidationError(fmt::format("{} '{}' is no number from {} to {}", option, text, least, most));
    }
    set(number);
  };
  return app.add_option_function<std::string>(names, parse, description)->type_name("N");
}

void check_key(const std::string& key, const std::string& option) {
  try {
    check(Record{{}, key}, largest_max_record_size);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, fmt::format("{} {}: {}", option, quote(key), error.what()));
  }
}

CLI::Option* add_stream(CLI::App& app, std::string& into) {
  return app.add_option("STREAM", into, "the stream")->required();
}

CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& into,
                      const std::string& description) {
  return app.add_option(names, into, description)->allow_extra_args(false);
}

}  // namespace shardlog::cli
