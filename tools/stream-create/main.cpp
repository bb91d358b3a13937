#include "tools/stream-create/options.h"

using namespace shardlog::cli;

int main(int argc, char** argv) {
  CreateCommand command;
  Tool tool("stream-create", "create a data stream, change its settings, or remove it", {"[options] STREAM"},
            "  -s, --shards N               how many shards (1)\n"
            "      --max-record-size SIZE   the largest record (1MiB, up to 10MiB)\n"
            "      --retention DURATION     how long records are kept (forever)\n"
            "      --max-bytes SIZE         a bounded buffer; --when-full block|trim|reject\n"
            "      --tag KEY=VALUE          a note of your own\n"
            "      --if-missing             succeed if the stream exists\n"
            "      --update                 change settings of a stream that exists\n"
            "      --remove                 delete the stream and all its records\n"
            "\n"
            "Examples:\n"
            "  stream-create orders --shards 4\n"
            "  stream-create /srv/logs --if-missing --retention 7d\n"
            "  stream-create orders --update --tag owner=billing\n"
            "\n"
            "All options: stream-create --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](Context& context) { return run_create(command, context); });
}
