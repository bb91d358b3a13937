#pragma once

namespace shardlog::cli {

/// An event that poll(2) can wait for. Safe to notify from any thread.
class EventDescriptor {
 public:
  /// Throws like system_error().
  EventDescriptor();
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;
  ~EventDescriptor();

  /// Makes get() readable until drain().
  void notify() const;
  void drain() const;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace shardlog::cli
