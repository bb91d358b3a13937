#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/shard.h"

/// How the JetStream streams and subjects of a stream are named. U, the first 8 hexadecimal digits of its UUID, is in
/// every name but that of the control stream: so a writer of a deleted stream cannot write into its successor. The role
/// comes first, so that the streams of "x_C" and "x" do not collide.
///
///     SHARDLOG_C_NAME         slc.NAME                                       the shard map and the settings: control.h
///     SHARDLOG_D_NAME_U       sl.NAME.U.<epoch>.<shard>.<producer or _>      batches; <epoch>.<shard>.end ends a shard
///     SHARDLOG_K_NAME_U_<h>   slk.NAME.U.<h>                                 a consumer with its leases; h: hash of
///     its name SHARDLOG_P_NAME_U       slp.NAME.U.<h>.<hash of the source>.<n>        producers' slots
///     SHARDLOG_M_NAME_U       slm.NAME.U.<process>.<minute>                  metrics
namespace shardlog::nats {

inline constexpr std::string_view control_prefix = "SHARDLOG_C_";
inline constexpr std::string_view no_producer = "_";
inline constexpr std::string_view end_of_shard = "end";

class Names {
 public:
  Names(std::string name, std::string_view uuid) : name_(std::move(name)), part_(uuid.substr(0, 8)) {}

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] static std::string control_stream(const std::string& name) {
    return std::string(control_prefix) + name;
  }
  [[nodiscard]] static std::string control_subject(const std::string& name) { return "slc." + name; }
  [[nodiscard]] std::string control_stream() const { return control_stream(name_); }
  [[nodiscard]] std::string control_subject() const { return control_subject(name_); }

  [[nodiscard]] std::string data_stream() const { return "SHARDLOG_D_" + name_ + "_" + part_; }
  /// What the data stream takes while `epoch` is current.
  [[nodiscard]] std::string data_subjects(std::uint64_t epoch) const;
  /// Of all epochs: what a reader filters by. A shard: only its messages, of every epoch.
  [[nodiscard]] std::string data_filter(std::optional<ShardId> shard = {}) const;
  /// `last`: no_producer, end_of_shard or hash_of() a producer.
  [[nodiscard]] std::string data_subject(std::uint64_t epoch, ShardId shard, std::string_view last) const;

  [[nodiscard]] std::string consumer_prefix() const { return "SHARDLOG_K_" + name_ + "_" + part_ + "_"; }
  [[nodiscard]] std::string consumer_stream(const std::string& consumer) const;
  [[nodiscard]] std::string consumer_subject(const std::string& consumer) const;

  [[nodiscard]] std::string producer_stream() const { return "SHARDLOG_P_" + name_ + "_" + part_; }
  [[nodiscard]] std::string producer_subjects() const { return "slp." + name_ + "." + part_ + ".>"; }
  /// All slots of a producer, or of one of its sources.
  [[nodiscard]] std::string slots(const std::string& producer, std::optional<std::string> source = {}) const;
  [[nodiscard]] std::string slot(const std::string& producer, const std::string& source, std::uint64_t number) const;

  [[nodiscard]] std::string metrics_stream() const { return "SHARDLOG_M_" + name_ + "_" + part_; }
  [[nodiscard]] std::string metrics_subjects() const { return "slm." + name_ + "." + part_ + ".>"; }

 private:
  std::string name_;
  std::string part_;  ///< U
};

/// What the last parts of a data subject say.
struct DataSubject {
  std::uint64_t epoch = 0;
  ShardId shard{0};
  std::string_view last;  ///< no_producer, end_of_shard or hash_of() a producer
};
/// Nullopt if it is not one. The view points into `subject`.
std::optional<DataSubject> parse_data_subject(std::string_view subject);

/// 16 hexadecimal digits, for names with characters that subjects may not have (XXH3-64).
std::string hash_of(std::string_view text);

}  // namespace shardlog::nats
