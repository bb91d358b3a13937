#include <fmt/format.h>

#include <algorithm>

#include "tools/stream-get/options.h"
#include "tools/stream-get/template.h"

using namespace shardlog::cli;

namespace {

/// A format without a field is most likely a mistake: a shell has taken the braces, or somebody wrote $data.
void warn_of_constant_format(const OutputForm& form, const Context& context) {
  if (form.kind != OutputForm::Kind::format) return;
  const auto parts = parse_template(form.text);
  const bool has_field = std::any_of(parts.begin(), parts.end(),
                                     [](const TemplatePart& part) { return part.field != TemplatePart::Field::text; });
  if (!has_field)
    context.warn(
        fmt::format("--format {} has no field such as {{data}}: every line is the same", shardlog::quote(form.text)));
}

ExitStatus run(const GetCommand& command, const Context& context) {
  check(command);
  warn_of_constant_format(command.form, context);
  if (command.consumer.seek || command.consumer.forget) return run_manage_consumer(command, context);
  if (command.consumer.name && !command.consumer.no_checkpoint) return run_consume(command, context);
  return run_get(command, context);
}

}  // namespace

int main(int argc, char** argv) {
  GetCommand command;
  Tool tool("stream-get", "read records from a data stream", {"[options] STREAM"},
            "  -f, --follow             keep reading as records arrive\n"
            "      --from POSITION      where to start: trim-horizon, latest, last:N, a time\n"
            "      --until POSITION     where to stop\n"
            "      --shard ID           only this shard\n"
            "  -k, --key KEY            only records of this key, can be repeated\n"
            "  -n, --count N            at most N records\n"
            "  -c, --consumer NAME      go on where NAME stopped; its runs share the shards\n"
            "      --exec COMMAND       run for every batch, the records on its stdin\n"
            "      --json               an object a line, with shard, sequence and key\n"
            "      --format TEMPLATE    a line of {data}, {key}, {shard}, {time}\n"
            "      --frames             everything, for stream-put --frames\n"
            "\n"
            "Examples:\n"
            "  stream-get logs -f --from latest | grep ERROR\n"
            "  stream-get orders --from last:20 --format '{time} {key}: {data}'\n"
            "  stream-get orders --consumer nightly --exec ./load.sh\n"
            "\n"
            "All options: stream-get --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](Context& context) { return run(command, context); });
}
