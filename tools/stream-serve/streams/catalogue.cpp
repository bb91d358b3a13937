#include "tools/stream-serve/streams/catalogue.h"

#include <algorithm>
#include <utility>

#include "shardlog/kinesis/arn.h"
#include "tools/common/address.h"

namespace shardlog::serve {

namespace {

/// How many streams are kept open. Each takes some descriptors.
constexpr std::size_t most_held = 32;

/// Whether a stream that this error came from can be used again.
bool stays_usable(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
    case ErrorCode::malformed:
    case ErrorCode::trimmed:
    case ErrorCode::busy:
    case ErrorCode::full:
      return true;
    default:
      return false;
  }
}

}  // namespace

Catalogue::Catalogue(std::string directory, const StreamOptions& options, const Clock& clock)
    : directory_(std::move(directory)), options_(options), clock_(clock) {}

void Catalogue::use(const std::string& name, const std::function<void(ServedStream&)>& use) {
  for (bool again = false;; again = true) {
    const auto stream = find(name);
    try {
      return use(*stream);
    } catch (const Error& error) {
      if (!stays_usable(error.code())) forget(name, stream);
      if (error.code() != ErrorCode::not_found || again) throw;
    }
  }
}

std::unique_ptr<Stream> Catalogue::open(const std::string& name) const {
  OpenOptions options = options_.open;
  options.access = Access::read;
  return shardlog::open(address_of(name), options, clock_);
}

StreamDescription Catalogue::describe(const std::string& name, std::optional<Duration> timeout) {
  if (const auto held = find_held(name)) {
    try {
      return held->describe();
    } catch (const Error& error) {
      if (!stays_usable(error.code())) forget(name, held);
      if (error.code() != ErrorCode::not_found) throw;
    }
  }
  OpenOptions options = options_.open;
  options.access = Access::read;
  options.timeout = timeout.value_or(options.timeout);
  return shardlog::open(address_of(name), options, clock_)->describe();
}

void Catalogue::close_removed() {
  std::map<std::string, Held> held;
  {
    const std::lock_guard guard(mutex_);
    held = held_;
  }
  for (const auto& [name, each] : held) {
    try {
      static_cast<void>(each.stream->describe());
      each.stream->write_measures();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) forget(name, each.stream);
    }
  }
}

std::vector<std::string> Catalogue::names() const {
  std::vector<std::string> names;
  for (const std::string& address : list_streams(directory_)) {
    std::string name = cli::name_in(address);
    if (is_stream_name(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Catalogue::create(const std::string& name, const CreateOptions& options) const {
  shardlog::create(address_of(name), options, clock_);
}

void Catalogue::remove(const std::string& name) {
  OpenOptions options = options_.open;
  options.access = Access::write;
  remove_stream(address_of(name), options, clock_);
  if (const auto held = find_held(name)) forget(name, held);
}

/// Nullptr if it is not open.
std::shared_ptr<ServedStream> Catalogue::find_held(const std::string& name) {
  const std::lock_guard guard(mutex_);
  const auto held = held_.find(name);
  return held != held_.end() ? held->second.stream : nullptr;
}

std::shared_ptr<ServedStream> Catalogue::find(const std::string& name) {
  {
    const std::lock_guard guard(mutex_);
    if (const auto held = held_.find(name); held != held_.end()) {
      held->second.used = ++uses_;
      return held->second.stream;
    }
  }
  // Opening can take its time. If two requests open a stream at once, both use the one that was there first: a stream
  // is changed by one request at a time only if all have the same.
  auto opened = std::make_shared<ServedStream>(address_of(name), options_, clock_);
  std::shared_ptr<ServedStream> closed;  // after the mutex: it adds its metrics to the stream, and may wait for others
  const std::lock_guard guard(mutex_);
  closed = make_room();
  Held& held = held_.try_emplace(name, Held{std::move(opened)}).first->second;
  held.used = ++uses_;
  return held.stream;
}

/// The caller has `stream`, so it is not closed here.
void Catalogue::forget(const std::string& name, const std::shared_ptr<ServedStream>& stream) {
  const std::lock_guard guard(mutex_);
  const auto held = held_.find(name);
  if (held != held_.end() && held->second.stream == stream) held_.erase(held);
}

/// Takes out the stream that was not used for longest. Streams that requests use stay, even if there are too many.
std::shared_ptr<ServedStream> Catalogue::make_room() {
  if (held_.size() < most_held) return nullptr;
  const auto order = [](const auto& each) { return std::pair(each.second.stream.use_count() > 1, each.second.used); };
  const auto oldest = std::min_element(held_.begin(), held_.end(),
                                       [&order](const auto& a, const auto& b) { return order(a) < order(b); });
  if (oldest->second.stream.use_count() > 1) return nullptr;
  std::shared_ptr<ServedStream> taken = std::move(oldest->second.stream);
  held_.erase(oldest);
  return taken;
}

std::string Catalogue::address_of(const std::string& name) const {
  return cli::address_below(directory_, name);
}

bool is_stream_name(std::string_view name) {
  // The engine does not list names with this prefix: it has streams under them that are being made or removed.
  return kinesis::is_name(name) && name != "." && name != ".." && !name.starts_with(".stream-");
}

}  // namespace shardlog::serve
