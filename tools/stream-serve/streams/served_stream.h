#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "shardlog/consuming/read_meter.h"
#include "shardlog/engines.h"
#include "shardlog/producing/producer.h"
#include "shardlog/scaling/on_demand.h"
#include "tools/stream-serve/streams/turn.h"

namespace shardlog::serve {

/// How the streams of a server are opened and stored in.
struct StreamOptions {
  OpenOptions open{};
  Sync sync = Sync::full;
  /// How long a request waits for others that use the same stream, and its records for capacity or room. A stream that
  /// another process holds up must not take all threads of the server.
  Duration patience = std::chrono::seconds(2);
};

/// A stream that many requests use at once. Each reads by a Stream of its own, and those that write share one Producer,
/// so that what comes during a commit is stored by the next commit.
class ServedStream {
 public:
  /// Opens it. `clock` must outlive it. Throws as open().
  ServedStream(std::string address, const StreamOptions& options, const Clock& clock);

  /// Calls `use` with an open stream that nobody else uses meanwhile.
  void read(const std::function<void(Stream&)>& use);
  /// The same with one that is open for writing. One caller at a time; throws busy if the ones before take too long.
  void write(const std::function<void(Stream&)>& use);

  [[nodiscard]] StreamDescription describe();

  /// As Producer::put(), with the patience of the server. Records that find no capacity or room in time are not stored,
  /// with busy and full.
  /// `described` is the stream as it was a moment ago.
  std::vector<producing::RecordOutcome> put(std::span<const Record> records, const StreamDescription& described,
                                            const std::stop_token& stop);

  /// Counts what a request has read, and how long that took. `at_tail`: the client had read everything before.
  void measure_read(std::span<const StoredBatch> batches, Duration took, bool at_tail);

  /// Adds what was measured to the stream if that is due, and nobody stores anything.
  void write_measures();

 private:
  /// The producer, and the settings that it keeps to.
  struct Writing {
    Writing(std::unique_ptr<Stream> opened, const Clock& clock, Sync sync)
        : stream(std::move(opened)), producer(*stream, clock, sync) {}

    std::unique_ptr<Stream> stream;
    producing::Producer producer;
  };

  /// The reads that are measured, and the stream to whose metrics they are added.
  struct Measuring {
    Measuring(std::unique_ptr<Stream> opened, const Clock& clock)
        : stream(std::move(opened)), meter(*stream, clock, "") {}
    Measuring(const Measuring&) = delete;
    Measuring& operator=(const Measuring&) = delete;
    ~Measuring() { meter.finish(); }

    std::unique_ptr<Stream> stream;
    consuming::ReadMeter meter;
  };

  std::shared_ptr<Writing> writing_for(const StreamDescription& described);
  void change(const std::function<void(Stream&)>& use);
  void tend(const StreamDescription& described);

  const std::string address_;
  const StreamOptions options_;
  const Clock& clock_;

  std::mutex mutex_;
  // Guarded by the mutex.
  std::vector<std::unique_ptr<Stream>> idle_;  ///< open for reading
  std::shared_ptr<Writing> writing_;
  std::optional<StreamSettings> settings_;  ///< of writing_

  std::mutex measuring_mutex_;
  std::unique_ptr<Measuring> measuring_;  ///< guarded by that; made for the first read

  Turns opening_;  ///< to write
  Turns changing_;
  // Only in a turn of changing_.
  std::unique_ptr<Stream> changed_;  ///< open for writing
  std::optional<scaling::OnDemand> on_demand_;
};

}  // namespace shardlog::serve
