#include "tools/stream-reshard/options.h"

using namespace shardlog::cli;

int main(int argc, char** argv) {
  ReshardCommand command;
  Tool tool("stream-reshard", "change the shards of a data stream that is in use",
            {"[options] split STREAM SHARD [--at HASHKEY | --at-key KEY]", "[options] merge STREAM SHARD SHARD",
             "[options] scale STREAM N", "[options] auto STREAM [--target PERCENT] [--min N] [--max N]"},
            "      --at HASHKEY   split at this hash key (the middle)\n"
            "      --at-key KEY   split at the hash key of this partition key\n"
            "      --target PERCENT, --min N, --max N   for auto\n"
            "      --dry-run      print the plan and change nothing\n"
            "      --json         print the plan as a JSON object\n"
            "\n"
            "Examples:\n"
            "  stream-reshard scale orders 8 --dry-run\n"
            "  stream-reshard split orders 3\n"
            "  stream-reshard merge orders 4 5\n"
            "  stream-reshard auto orders --max 16\n"
            "\n"
            "All options: stream-reshard --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](Context& context) { return run_reshard(command, context); });
}
