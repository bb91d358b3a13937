#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"

namespace shardlog::nats {

/// The engine for NATS JetStream: "nats:NAME", "nats://host:port,host:port/NAME". See address.h.
class NatsEngine final : public Engine {
 public:
  [[nodiscard]] const Capabilities& capabilities() const override;
  void create(const std::string& address, const CreateOptions& options, const Clock& clock) override;
  std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) override;
  std::vector<std::string> list(const std::string& address) override;
  void remove(const std::string& address, const OpenOptions& options, const Clock& clock) override;
};

}  // namespace shardlog::nats
