#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <new>
#include <optional>

#include "shardlog/core/threads.h"
#include "tools/common/address.h"
#include "tools/stream-serve/api/service.h"
#include "tools/stream-serve/http/address.h"
#include "tools/stream-serve/http/admission.h"
#include "tools/stream-serve/http/server.h"
#include "tools/stream-serve/options.h"

namespace shardlog::serve {

namespace {

/// Connections and streams need more descriptors than most systems give a process at first.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // if it fails, fewer connections are accepted
}

/// The other programs keep freed memory, for buffers that are needed again at once. Here each of many threads would
/// keep as much as its largest request and answer took.
void give_back_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

/// Until the stop.
void tend(Catalogue& catalogue, http::Server& server, const std::stop_token& stop) {
  constexpr Duration pause = std::chrono::seconds(2);
  while (!stop.stop_requested()) {
    sleep_for(pause, stop);
    try {
      server.cut_slow();
      catalogue.close_removed();
    } catch (const std::bad_alloc&) {
      continue;  // next time, perhaps
    }
  }
}

std::string directory_of(const ServeCommand& command) {
  const std::string directory = command.directory ? *command.directory : cli::stream_directory().value_or(".");
  return cli::is_of_servers(directory) ? cli::with_servers(directory) : cli::shown_name(directory);
}

/// Looks at a request before its body is read.
std::optional<http::Response> admit(const http::Request& request, const http::Admission& admission,
                                    const api::Service& service) {
  auto refused = http::admit(request, admission);
  return refused ? refused : service.admit(request);
}

http::Admission admission_of(const ServeCommand& command, const std::string& url) {
  http::Admission admission{{}, command.origins};
  admission.allow_address(http::host_of(url.substr(std::string_view("http://").size())));
  for (const std::string& host : command.hosts) admission.hosts.push_back(http::host_of(host));
  return admission;
}

}  // namespace

cli::ExitStatus run_serve(const ServeCommand& command, const cli::Context& context) {
  check(command);
  const http::Address address =
      http::parse_address(command.listen, command.credentials ? http::Reach::everyone : http::Reach::this_machine);
  const auto credentials =
      command.credentials ? std::optional(identity::read_credentials(*command.credentials)) : std::nullopt;
  const std::string directory = directory_of(command);
  static_cast<void>(list_streams(directory));  // a directory that cannot be read is an error now, not at a request
  allow_many_descriptors();
  give_back_freed_memory();
  StreamOptions streams;
  streams.open = context.open_options(Access::read);
  streams.sync = command.sync;
  Catalogue catalogue(directory, streams, context.clock);
  Subscriptions subscriptions(context.stop, context.clock);
  AccountSettings account_settings;
  Transitions transitions(command.transition, context.clock);
  Throttle throttle(context.clock);
  const api::Service service(
      {catalogue, context.clock, context.stop, command.shard_limit, subscriptions, account_settings, transitions,
       command.throttle ? &throttle : nullptr, [&context](const std::string& failure) { context.warn(failure); }},
      {command.account, command.region, credentials});
  const cli::Descriptor listening = http::listen_at(address);
  const std::string url = http::url_of(listening);
  const http::Admission admission = admission_of(command, url);
  http::Server server(
      listening, [&](const http::Request& request) { return admit(request, admission, service); },
      [&service](const http::Request& request) { return service.answer(request); });
  context.output.write(url + "\n");
  context.output.flush();
  tend(catalogue, server, context.stop);
  return cli::ExitStatus::success;
}

}  // namespace shardlog::serve
