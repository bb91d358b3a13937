#include "tools/stream-put/options.h"

using namespace shardlog::cli;

int main(int argc, char** argv) {
  PutCommand command;
  Tool tool("stream-put", "append records to a data stream",
            {"[options] STREAM [FILE...]", "--producer ID --forget STREAM"},
            "A line is a record. Or: -0, -d STRING, --csv, --record-start RE, --whole, --json\n"
            "  -k, --key KEY           the same partition key for all records\n"
            "      --key-field N       the key is the Nth field (-F STRING separates them)\n"
            "      --key-json POINTER  the key is a value in a JSON record: /customer/id\n"
            "      --key-regex RE      the key is what RE matches, or its group 1\n"
            "      --missing-key none  records without a key are welcome\n"
            "      --ack               print shard and sequence number of each record\n"
            "      --on-error skip     leave out bad records and go on\n"
            "      --rate N            at most N records a second\n"
            "      --producer ID       exactly once: a new run goes on where the last ended\n"
            "\n"
            "Examples:\n"
            "  tail -n 0 -F app.log | stream-put logs\n"
            "  stream-put orders --csv --header --key-field customer orders.csv\n"
            "  stream-get orders --json | stream-put copy --json\n"
            "\n"
            "All options: stream-put --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](Context& context) {
    return command.forget ? run_forget(command, context) : run_put(command, context);
  });
}
