#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"

/// The embedded engine: a stream is a directory with one SQLite database in it. No other code sees SQL or files.
namespace shardlog::sqlite {

const Capabilities& capabilities();

class SqliteEngine final : public Engine {
 public:
  [[nodiscard]] const Capabilities& capabilities() const override { return sqlite::capabilities(); }
  void create(const std::string& address, const CreateOptions& options, const Clock& clock) override;
  std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) override;
  std::vector<std::string> list(const std::string& directory) override;
  void remove(const std::string& address, const OpenOptions& options, const Clock& clock) override;
};

}  // namespace shardlog::sqlite
