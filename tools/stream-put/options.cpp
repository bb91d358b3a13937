#include "tools/stream-put/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <utility>

#include "tools/common/escapes.h"
#include "tools/common/option_types.h"

namespace shardlog::cli {

namespace {

/// A string that may be written with escapes and is not empty.
std::string unescaped_or_throw(const std::string& option, const std::string& text, const char* what) {
  auto result = unescape(text);
  if (!result || result->empty())
    throw CLI::ValidationError(fmt::format(
        "{} '{}' is no {}: a string, in which \\n \\t \\r \\0 \\\\ and \\xHH are read", option, text, what));
  return std::move(*result);
}

/// One of two words. `set` learns whether it is the second.
CLI::Option* add_choice(CLI::App& app, const std::string& name, const std::pair<std::string, std::string>& words,
                        const std::function<void(bool)>& set, const std::string& description) {
  const auto parse = [name, words, set](const std::string& text) {
    if (text != words.first && text != words.second)
      throw CLI::ValidationError(fmt::format("{} '{}' is neither {} nor {}", name, text, words.first, words.second));
    set(text == words.second);
  };
  return app.add_option_function<std::string>(name, parse, description)->type_name(words.first + "|" + words.second);
}

void exclude_each_other(std::span<CLI::Option* const> options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) options[i]->excludes(options[j]);
  }
}

void define_framing(CLI::App& app, Framing& framing) {
  const auto set_kind = [&framing](Framing::Kind kind) { return [&framing, kind] { framing.kind = kind; }; };
  const std::array<CLI::Option*, 5> options{
      app.add_flag_callback(
          "-0,--null", [&framing] { framing.delimiter = std::string(1, '\0'); },
          "a NUL byte ends a record, not a newline"),
      app.add_option_function<std::string>(
             "-d,--delimiter",
             [&framing](const std::string& text) {
               framing.delimiter = unescaped_or_throw("--delimiter", text, "delimiter");
             },
             "this ends a record")
          ->type_name("STRING"),
      app.add_flag_callback("--whole", set_kind(Framing::Kind::whole), "each FILE is one record"),
      app.add_flag_callback("--json", set_kind(Framing::Kind::json),
                            "an object a line, as stream-get --json prints them"),
      app.add_flag_callback("--frames", set_kind(Framing::Kind::frames), "as stream-get --frames writes them")};
  for (CLI::Option* const option : options) option->group("Framing (lines where none is given)");
  exclude_each_other(options);
}

void define_key(CLI::App& app, KeyOptions& key) {
  const char* const group = "Partition key";
  auto* const constant = app.add_option("-k,--key", key.constant, "this key for all records")
                             ->type_name("KEY")
                             ->each([&key](const std::string&) { key.constant_given = true; });
  const auto set_field = [&key](std::uint64_t number) { key.field = static_cast<std::uint32_t>(number); };
  auto* const field = add_count(app, "--key-field", set_field, 1, 1'000'000, "the Nth field, counted from 1");
  app.add_option_function<std::string>(
         "-F,--field-separator",
         [&key](const std::string& text) {
           key.field_separator = unescaped_or_throw("--field-separator", text, "separator");
         },
         "what stands between fields (runs of blanks, as awk has it)")
      ->type_name("STRING")
      ->group(group)
      ->needs(field);
  auto* const pointer = app.add_option("--key-json", key.pointer, "what a JSON pointer (/customer/id) leads to in it")
                            ->type_name("POINTER");
  auto* const regex = app.add_option("--key-regex", key.regex,
                                     "what group 1 of a Perl-compatible expression matches, or the whole match")
                          ->type_name("RE")
                          ->each([&key](const std::string&) { key.regex_given = true; });
  const std::array<CLI::Option*, 4> sources{constant, field, pointer, regex};
  for (CLI::Option* const source : sources) source->group(group);
  exclude_each_other(sources);
  app.add_option("--missing-key", key.missing, "for a record without one: error, none, or this KEY (error)")
      ->type_name("error|none|KEY")
      ->group(group);
  app.add_option_function<std::string>(
         "--hash-key",
         [&key](const std::string& text) {
           key.hash_key = HashKey::parse(text);
           if (!key.hash_key)
             throw CLI::ValidationError("--hash-key '" + text + "' is no decimal number from 0 to 2^128-1");
         },
         "this explicit hash key for all records: it chooses the shard, not the key")
      ->type_name("DECIMAL")
      ->group(group);
}

void define_delivery(CLI::App& app, PutCommand& command) {
  const char* const group = "Delivery";
  app.add_flag("--ack", command.ack, "print shard TAB sequence for each record, after its commit")->group(group);
  add_choice(
      app, "--sync", {"full", "normal"}, [&](bool second) { command.sync = second ? Sync::normal : Sync::full; },
      "full: what is acknowledged survives a power cut; normal: the end of any process (full)")
      ->group(group);
  add_duration(app, "--linger", command.linger, "wait so long to fill a batch (0)")->group(group);
  add_choice(
      app, "--on-error", {"stop", "skip"}, [&](bool second) { command.skip_errors = second; },
      "what to do about a record that breaks a rule (stop)")
      ->group(group);

  const char* const less = "Putting less";
  add_count(
      app, "--rate", [&](std::uint64_t rate) { command.rate = rate; }, 1, 1'000'000'000,
      "at most N records a second, evenly")
      ->group(less);
  auto* const sample = app.add_option_function<std::string>(
                              "--sample",
                              [&](const std::string& text) {
                                command.sample.percent = parse_percent(text);
                                if (!command.sample.percent)
                                  throw CLI::ValidationError("--sample '" + text + "' is no share from 0 to 100");
                              },
                              "keep an even share of the records")
                           ->type_name("PERCENT")
                           ->group(less);
  add_choice(
      app, "--sample-by", {"record", "key"},
      [&](bool second) { command.sample.by = second ? Sampler::By::key : Sampler::By::record; },
      "key: keep all records of a key or none (record)")
      ->group(less)
      ->needs(sample);
}

}  // namespace

void define(CLI::App& app, PutCommand& command) {
  add_stream(app, command.stream);
  app.add_option("FILE", command.files, "what to read; '-' is standard input");
  define_framing(app, command.framing);
  define_key(app, command.key);
  define_delivery(app, command);
}

void check(const PutCommand& command) {
  const KeyOptions& key = command.key;
  if (command.framing.keyed() && (key.any() || key.missing)) {
    throw Error(
        ErrorCode::usage,
        "--json and --frames: their records bring their own keys, so no other option about keys goes with them");
  }
  if (key.missing && !key.extracted()) {
    throw Error(ErrorCode::usage, "--missing-key: it goes with --key-field, --key-json or --key-regex");
  }
}

}  // namespace shardlog::cli
