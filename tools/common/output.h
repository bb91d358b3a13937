#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace shardlog::cli {

/// Opens descriptors 0 to 2 on /dev/null where they are closed, the wrong way round, so that no file of ours gets their
/// numbers and using them still fails.
void claim_standard_descriptors();

/// Standard output with every write checked. Small pieces are gathered, large ones written as they are.
/// Throws io where the write fails. Who reads being gone is the signal PIPE.
class Output {
 public:
  Output();

  void write(std::string_view bytes);

  /// Whether a person looks at it, so that what comes from elsewhere is to be escaped.
  [[nodiscard]] bool is_terminal() const { return terminal_; }

  /// To be called whenever a reader should see what there is.
  void flush();

  /// Flushes and closes, for the errors that show only then.
  void close();

 private:
  static void write_out(std::string_view bytes);

  bool terminal_;
  std::string gathered_;
};

}  // namespace shardlog::cli
