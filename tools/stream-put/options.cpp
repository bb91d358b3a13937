#include "tools/stream-put/options.h"

#include <CLI/CLI.hpp>

#include "tools/common/escapes.h"
#include "tools/common/option_types.h"

namespace shardlog::cli {

void define(CLI::App& app, PutCommand& command) {
  add_stream(app, command.stream);
  app.add_option("FILE", command.files, "what to read; '-' is standard input");

  const char* const keys = "Partition key";
  KeyOptions& key = command.key;
  auto* const constant = app.add_option("-k,--key", key.constant, "this key for all records")
                             ->type_name("KEY")
                             ->group(keys)
                             ->each([&key](const std::string&) { key.constant_given = true; });
  const auto set_field = [&key](std::uint64_t number) { key.field = static_cast<std::uint32_t>(number); };
  auto* const field = add_count(app, "--key-field", set_field, 1, 1'000'000, "the Nth field, counted from 1")
                          ->group(keys)
                          ->excludes(constant);
  app.add_option_function<std::string>(
         "-F,--field-separator",
         [&key](const std::string& text) {
           const auto separator = unescape(text);
           if (!separator || separator->empty())
             throw CLI::ValidationError("--field-separator '" + text + "' is no separator");
           key.field_separator = *separator;
         },
         "what stands between fields (runs of blanks, as awk has it)")
      ->type_name("STRING")
      ->group(keys)
      ->needs(field);
  app.add_option("--key-regex", key.regex, "what group 1 of a Perl-compatible expression matches, or the whole match")
      ->type_name("RE")
      ->group(keys)
      ->each([&key](const std::string&) { key.regex_given = true; })
      ->excludes(constant)
      ->excludes(field);
  app.add_option("--missing-key", key.missing, "for a record without one: error, none, or this KEY (error)")
      ->type_name("error|none|KEY")
      ->group(keys);

  const char* const delivery = "Delivery";
  app.add_flag("--ack", command.ack, "print shard TAB sequence for each record, after its commit")->group(delivery);
  app.add_option_function<std::string>(
         "--sync",
         [&command](const std::string& text) {
           if (text != "full" && text != "normal")
             throw CLI::ValidationError("--sync '" + text + "' is neither full nor normal");
           command.sync = text == "full" ? Sync::full : Sync::normal;
         },
         "full: what is acknowledged survives a power cut; normal: the end of any process (full)")
      ->type_name("full|normal")
      ->group(delivery);
  add_duration(app, "--linger", command.linger, "wait so long to fill a batch (0)")->group(delivery);
}

}  // namespace shardlog::cli
