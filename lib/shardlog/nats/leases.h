#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/log/parts.h"
#include "shardlog/nats/session.h"

/// The consumers of a stream, each whole in the last message of a JetStream stream of its own, which is made with the
/// consumer. It is changed by compare-and-set on the sequence of that JetStream stream, as the control message is.
/// Removal leaves a message that says so: then a late change of the removed consumer finds another sequence.
///
///     offset size
///     0      4     magic "SLKC"
///     4      1     version
///     5      8     checksum: XXH3-64 of all that follows, with the version as its seed
///     13     8     size before compression
///     21           zstd
namespace shardlog::nats {

/// Nullopt: it was removed.
std::string encode(const std::optional<Consumer>& consumer);
/// Throws corrupt, and unsupported for what a newer version wrote.
std::optional<Consumer> decode_consumer(std::string_view text);

class Leases final : public LeaseStore {
 public:
  /// The session must outlive it.
  explicit Leases(Session& session) : session_(session) {}

  std::optional<Consumer> find(const std::string& name) override;
  std::vector<Consumer> all() override;
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override;
  bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) override;

 private:
  struct Kept {
    std::optional<Consumer> consumer{};
    std::uint64_t sequence = 0;  ///< of the message; 0 if there is none
    bool has_stream = false;
  };
  Kept read(const std::string& stream, const std::string& subject);
  const Kept& read(const std::string& name);
  void make_stream(const std::string& name);
  bool store(const std::string& name, const std::optional<Consumer>& desired);
  std::optional<std::string> name_of(const std::string& uuid);

  Session& session_;
  std::map<std::string, Kept> kept_;  ///< by name: as last read or written
};

}  // namespace shardlog::nats
