#include "tools/stream-serve/streams/served_stream.h"

#include <utility>

namespace shardlog::serve {

namespace {

constexpr std::size_t most_idle = 8;

OpenOptions for_access(OpenOptions options, Access access) {
  options.access = access;
  return options;
}

/// Whether a Producer made under the one keeps to the other.
bool suit(const StreamSettings& a, const StreamSettings& b) {
  return a.max_record_size == b.max_record_size && a.compression == b.compression && a.max_bytes == b.max_bytes &&
         a.limits == b.limits;
}

}  // namespace

ServedStream::ServedStream(std::string address, const StreamOptions& options, const Clock& clock)
    : address_(std::move(address)), options_(options), clock_(clock) {
  idle_.push_back(open(address_, for_access(options_.open, Access::read), clock_));
}

void ServedStream::read(const std::function<void(Stream&)>& use) {
  std::unique_ptr<Stream> stream;
  {
    const std::lock_guard guard(mutex_);
    if (!idle_.empty()) {
      stream = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!stream) stream = open(address_, for_access(options_.open, Access::read), clock_);
  use(*stream);  // a stream that an error comes from is not used again
  const std::lock_guard guard(mutex_);
  if (idle_.size() < most_idle) idle_.push_back(std::move(stream));
}

void ServedStream::write(const std::function<void(Stream&)>& use) {
  const Turn turn(changing_, options_.patience);
  if (!turn) throw Error(ErrorCode::busy, "stream " + quote(address_) + ": another request is changing it");
  change(use);
}

/// In the caller's turn.
void ServedStream::change(const std::function<void(Stream&)>& use) {
  if (!changed_) changed_ = open(address_, for_access(options_.open, Access::write), clock_);
  try {
    use(*changed_);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) {  // it stores nothing more
      on_demand_.reset();
      changed_.reset();
    }
    throw;
  }
}

StreamDescription ServedStream::describe() {
  std::optional<StreamDescription> described;
  read([&](Stream& stream) { described = stream.describe(); });
  return std::move(*described);
}

std::vector<producing::RecordOutcome> ServedStream::put(std::span<const Record> records,
                                                        const StreamDescription& described,
                                                        const std::stop_token& stop) {
  tend(described);
  const auto writing = writing_for(described);
  return writing->producer.put(records, stop, options_.patience);
}

void ServedStream::measure_read(std::span<const StoredBatch> batches, Duration took, bool at_tail) {
  if (batches.empty()) return;
  const std::lock_guard guard(measuring_mutex_);
  if (!measuring_) {
    try {
      auto opened = open(address_, for_access(options_.open, Access::read), clock_);
      measuring_ = std::make_unique<Measuring>(std::move(opened), clock_);
    } catch (const Error&) {
      return;  // a request must not fail because it is measured
    }
  }
  at_tail ? measuring_->meter.reached_tail() : measuring_->meter.fell_behind();
  measuring_->meter.read(batches, took);
}

void ServedStream::write_measures() {
  {
    const std::lock_guard guard(measuring_mutex_);
    if (measuring_) measuring_->meter.write_if_due();
  }
  std::shared_ptr<Writing> writing;
  {
    const std::lock_guard guard(mutex_);
    writing = writing_;
  }
  if (writing) writing->producer.tend();
}

std::shared_ptr<ServedStream::Writing> ServedStream::writing_for(const StreamDescription& described) {
  const auto current = [&]() -> std::shared_ptr<Writing> {
    const std::lock_guard guard(mutex_);
    return writing_ && suit(*settings_, described.settings) ? writing_ : nullptr;
  };
  if (auto writing = current()) return writing;
  const Turn turn(opening_, options_.patience);
  if (!turn) throw Error(ErrorCode::busy, "stream " + quote(address_) + ": another request is opening it");
  if (auto writing = current()) return writing;
  // Both opening and closing can wait for other processes, so neither happens under the mutex.
  auto opened = std::make_shared<Writing>(open(address_, for_access(options_.open, Access::write), clock_), clock_,
                                          options_.sync);
  std::shared_ptr<Writing> closed;
  const std::lock_guard guard(mutex_);
  closed = std::exchange(writing_, opened);
  settings_ = described.settings;
  return opened;
}

/// An on-demand stream is resharded by those who write.
void ServedStream::tend(const StreamDescription& described) {
  if (described.settings.mode != Mode::on_demand) return;
  const Turn turn(changing_, Duration(0));
  if (!turn) return;  // one at a time is enough
  change([&](Stream& stream) {
    if (!on_demand_) on_demand_.emplace(stream, described, clock_);
    on_demand_->tend();
  });
}

}  // namespace shardlog::serve
