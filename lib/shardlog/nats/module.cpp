// What the module nats.so exports.

#include "shardlog/engine_module.h"
#include "shardlog/nats/nats_engine.h"

extern "C" SHARDLOG_API bool shardlog_make_engine(std::string_view version, std::unique_ptr<shardlog::Engine>& engine) {
  if (version != SHARDLOG_VERSION) return false;
  engine = std::make_unique<shardlog::nats::NatsEngine>();
  return true;
}
