#include "tools/stream-serve/options.h"

using namespace shardlog;

int main(int argc, char** argv) {
  serve::ServeCommand command;
  cli::Tool tool("stream-serve", "let programs for Amazon Kinesis use the streams of a directory",
                 {"[options] [DIRECTORY]"},
                 "      --listen HOST:PORT    where to listen on this machine (127.0.0.1:4567)\n"
                 "      --allow-host NAME, --allow-origin ORIGIN   answer these, too\n"
                 "      --credentials FILE    verify signatures, with keys as in ~/.aws/credentials\n"
                 "      --account NUMBER, --region NAME            in the names that clients see\n"
                 "      --transition DURATION, --throttle          as slow and as strict as Kinesis\n"
                 "      --sync full|normal    what an answer survives: a power cut, or the end of a process\n"
                 "\n"
                 "Examples:\n"
                 "  stream-serve &\n"
                 "  stream-serve --region eu-central-1 --account 123456789012\n"
                 "  stream-serve --listen 127.0.0.1:0 /srv/streams\n"
                 "  stream-serve --allow-host host.docker.internal /srv/streams\n"
                 "\n"
                 "All options: stream-serve --help\n");
  define(tool.options(), command);
  return tool.run(argc, argv, [&](cli::Context& context) { return run_serve(command, context); });
}
