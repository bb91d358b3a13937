#pragma once

#include <vector>

namespace shardlog::nats {

/// libnats 3.4 does not open its sockets close-on-exec, so each command that the program starts would inherit them.
/// Nobody else opens such sockets while the library is connected; what the program had before may be meant for its
/// commands.
class Sockets {
 public:
  /// Notes the sockets that commands inherit so far.
  Sockets();

  /// Keeps those that are new from commands. To be called whenever the library has connected.
  void keep_from_commands() const;

 private:
  std::vector<int> inherited_;
};

}  // namespace shardlog::nats
