#pragma once

#include <string>

namespace shardlog::consumer {

/// What tells this process from all others on this machine, now and later: boot id, PID namespace, pid and start time,
/// with slashes between them. Throws like system_error().
std::string process_identity();

/// Whether that process is known to be gone: it was of this boot and this PID namespace, and is not there any more or
/// only waits to be reaped. False where that cannot be known.
bool is_gone(const std::string& process_identity);

/// Whether that process is known to be there: of this boot and this PID namespace, and running or stopped.
bool is_here(const std::string& process_identity);

/// Its pid, for messages; empty where the identity has none.
std::string pid_of(const std::string& process_identity);

}  // namespace shardlog::consumer
