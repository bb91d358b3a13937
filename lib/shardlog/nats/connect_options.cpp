#include "shardlog/nats/connect_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "shardlog/core/error.h"

namespace shardlog::nats {

namespace {

constexpr int try_time = 1000;        // ms for TCP, TLS and INFO of one server: one that is paused still accepts TCP
constexpr int ping_interval = 1000;   // ms
constexpr int most_pings_out = 2;     // a server that answers none of these is taken for lost
constexpr int write_time = 5000;      // ms for one message; after that the library drops the connection
constexpr int reconnect_pause = 100;  // ms, after each round over all servers
constexpr int buffer_size = 256 * 1024;

void on_error(natsConnection* /*connection*/, natsSubscription* /*subscription*/, natsStatus status, void* events) {
  const char* const text = nats_GetLastError(nullptr);
  static_cast<Events*>(events)->refused(text != nullptr && *text != '\0' ? text : natsStatus_GetText(status));
}
void on_lost(natsConnection* /*connection*/, void* events) {
  static_cast<Events*>(events)->lost();
}
void on_connected(natsConnection* /*connection*/, void* events) {
  static_cast<Events*>(events)->connected();
}
void on_closed(natsConnection* /*connection*/, void* events) {
  static_cast<Events*>(events)->closed();
}
void require_readable(const char* what, const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return;
  throw Error(ErrorCode::usage, system_error(fmt::format("nats: {} {}", what, quote(path)), errno).what());
}

void set_identity(natsOptions* options, const Servers& servers) {
  if (!servers.user.empty()) {
    expect(natsOptions_SetUserInfo(options, servers.user.c_str(), servers.password.c_str()), "user and password");
  }
  if (!servers.token.empty()) expect(natsOptions_SetToken(options, servers.token.c_str()), "token");
  require_readable("creds", servers.credentials);
  if (!servers.credentials.empty()) {
    expect(natsOptions_SetUserCredentialsFromFiles(options, servers.credentials.c_str(), nullptr), "creds");
  }
}

void set_encryption(natsOptions* options, const Servers& servers) {
  const bool asks_for_it = std::ranges::any_of(servers.urls, [](const auto& url) { return url.starts_with("tls:"); });
  if (asks_for_it || !servers.ca.empty() || !servers.certificate.empty()) {
    expect(natsOptions_SetSecure(options, true), "TLS");
  }
  require_readable("ca", servers.ca);
  require_readable("cert", servers.certificate);
  require_readable("key", servers.key);
  if (!servers.ca.empty()) expect(natsOptions_LoadCATrustedCertificates(options, servers.ca.c_str()), "ca");
  if (!servers.certificate.empty()) {
    expect(natsOptions_LoadCertificatesChain(options, servers.certificate.c_str(), servers.key.c_str()),
           "cert and key");
  }
}

}  // namespace

Options options_of(const Servers& servers, Events& events) {
  natsOptions* made = nullptr;
  expect(natsOptions_Create(&made), "options");
  Options options(made);
  std::vector<const char*> urls;
  urls.reserve(servers.urls.size());
  for (const auto& url : servers.urls) urls.push_back(url.c_str());
  expect(natsOptions_SetServers(made, urls.data(), static_cast<int>(urls.size())), "servers");
  expect(natsOptions_SetName(made, "shardlog"), "name");
  expect(natsOptions_SetTimeout(made, try_time), "timeout");
  expect(natsOptions_SetAllowReconnect(made, true), "reconnect");
  expect(natsOptions_SetMaxReconnect(made, -1), "reconnect");
  expect(natsOptions_SetReconnectWait(made, reconnect_pause), "reconnect");
  expect(natsOptions_SetReconnectJitter(made, reconnect_pause, reconnect_pause), "reconnect");
  expect(natsOptions_SetReconnectBufSize(made, 0), "reconnect");  // nothing is sent later than it was published
  expect(natsOptions_SetFailRequestsOnDisconnect(made, true), "reconnect");
  expect(natsOptions_SetPingInterval(made, ping_interval), "ping interval");
  expect(natsOptions_SetMaxPingsOut(made, most_pings_out), "ping interval");
  expect(natsOptions_SetWriteDeadline(made, write_time), "write deadline");
  expect(natsOptions_SetIOBufSize(made, buffer_size), "buffer");
  expect(natsOptions_SetSendAsap(made, true), "flusher");  // it would delay each message by a millisecond
  expect(natsOptions_SetErrorHandler(made, on_error, &events), "callbacks");
  expect(natsOptions_SetDisconnectedCB(made, on_lost, &events), "callbacks");
  expect(natsOptions_SetReconnectedCB(made, on_connected, &events), "callbacks");
  expect(natsOptions_SetClosedCB(made, on_closed, &events), "callbacks");
  set_identity(made, servers);
  set_encryption(made, servers);
  return options;
}

}  // namespace shardlog::nats
