#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What a STREAM argument names, as a person writes it: "orders" (in $STREAM_DIR, if that is set), "/data/orders", or a
/// stream of servers, "nats:orders" or "nats://host:port/orders?replicas=1". What stands for all streams of a place has
/// no name: "/data", "nats:", "nats://host:port".
namespace shardlog::cli {

/// $STREAM_DIR, if it is set.
std::optional<std::string> stream_directory();

/// The address of a STREAM argument, without a slash at its end.
std::string address_of(const std::string& stream);

/// A STREAM argument as it is shown: without the slash that a shell's completion of directories adds, and without a
/// user and a password.
std::string shown_name(const std::string& stream);

/// Whether a STREAM argument is that of servers: "nats:...".
bool is_of_servers(std::string_view stream);

/// The address of a stream of a directory or of servers.
std::string address_below(std::string_view directory, const std::string& name);

/// The last part of an address: the name of the stream. Empty in an address of all streams of servers.
std::string name_in(std::string_view address);

/// The address that the engine takes. What begins with "nats:" and names no servers gets those of $NATS_URL, and what
/// $NATS_USER, $NATS_PASSWORD, $NATS_TOKEN, $NATS_CREDS, $NATS_CA, $NATS_CERT and $NATS_KEY say (the names are those of
/// the program nats). It may hold a password: show the other address.
std::string with_servers(const std::string& address);

}  // namespace shardlog::cli
