#include "tools/stream-stats/options.h"

using namespace shardlog::cli;

int main(int argc, char** argv) {
  StatsCommand command;
  Tool tool("stream-stats", "show what a data stream holds", {"[options] [STREAM]"},
            "      --json            the page as a JSON object\n"
            "      --shards          all shards, even if there are many\n"
            "      --consumers       consumers: how many workers, and how far behind\n"
            "  -c, --consumer NAME   this one: who reads which shard, and how far behind\n"
            "      --producers       how far each producer has come\n"
            "      --shard-for KEY   which shard and hash key a partition key has\n"
            "      --sizing          how many shards the load needs, or --for 5000/s,2MiB/s\n"
            "      --verify          read everything and check it\n"
            "      --watch [2s]      show it again at this interval\n"
            "      --check CONDITION exit with 1 unless it holds: 'age<30s'\n"
            "      --history         a day as a picture; --html: as a page; --since TIME\n"
            "\n"
            "Without STREAM it lists those in $STREAM_DIR, or here; nats: those of NATS.\n"
            "\n"
            "Examples:\n"
            "  stream-stats orders --watch\n"
            "  stream-stats orders -c billing --check 'age<30s'\n"
            "  stream-stats --prometheus\n"
            "\n"
            "All options: stream-stats --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](Context& context) { return run_stats(command, context); });
}
