#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/stream-serve/streams/served_stream.h"

namespace shardlog::serve {

/// The streams of a directory, by their names. Other programs may make, change and remove them meanwhile. For any
/// number of threads.
class Catalogue {
 public:
  /// `clock` must outlive it.
  Catalogue(std::string directory, const StreamOptions& options, const Clock& clock);

  /// Calls `use` with the stream of this name. If it turns out that it was removed, and another one was made under the
  /// same name, `use` is called again with that one. Throws as open() and as `use`: not_found if there is no such
  /// stream. REQUIRES: kinesis::is_name(name), and it is neither . nor ..
  void use(const std::string& name, const std::function<void(ServedStream&)>& use);

  /// Opens a stream for reading, for a caller who needs it for long. Throws as open().
  [[nodiscard]] std::unique_ptr<Stream> open(const std::string& name) const;

  /// As ServedStream::describe(), without keeping the stream open for it: a look at all streams must not close those in
  /// use. If it is not open yet, waits for other processes for at most `timeout`; nullopt: for as long as requests do.
  /// Throws as use().
  [[nodiscard]] StreamDescription describe(const std::string& name, std::optional<Duration> timeout = {});

  /// Closes streams that were removed by other programs: their space is not free before. Has the others write what they
  /// have measured, because nothing may be put for long. To be called now and then.
  void close_removed();

  /// Their names, in order. Streams with names that the API does not know are left out.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Throws as create() and remove_stream().
  void create(const std::string& name, const CreateOptions& options) const;
  void remove(const std::string& name);

 private:
  struct Held {
    std::shared_ptr<ServedStream> stream;
    std::uint64_t used = 0;  ///< the newest is the largest
  };

  std::shared_ptr<ServedStream> find_held(const std::string& name);
  std::shared_ptr<ServedStream> find(const std::string& name);
  void forget(const std::string& name, const std::shared_ptr<ServedStream>& stream);
  std::shared_ptr<ServedStream> make_room();
  [[nodiscard]] std::string address_of(const std::string& name) const;

  const std::string directory_;
  const StreamOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by the mutex.
  std::map<std::string, Held> held_;
  std::uint64_t uses_ = 0;
};

/// Whether it can be the name of a stream of a directory.
bool is_stream_name(std::string_view name);

}  // namespace shardlog::serve
