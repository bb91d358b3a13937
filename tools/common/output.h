#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

  /// Not standard output: what was gathered goes to `drain`, whose errors go through. `terminal` is is_terminal().
  using Drain = std::function<void(std::string_view)>;
  Output(Drain drain, bool terminal);

  void write(std::string_view bytes);

  /// Whether a person looks at it, so that what comes from elsewhere is to be escaped.
  [[nodiscard]] bool is_terminal() const { return terminal_; }

  /// How many bytes there were so far, gathered ones too.
  [[nodiscard]] std::uint64_t position() const { return written_ + gathered_.size(); }

  /// To be called whenever a reader should see what there is.
  void flush();

  /// Flushes and closes standard output, for the errors that show only then.
  void close();

 private:
  void write_out(std::string_view bytes);

  Drain drain_;
  bool terminal_;
  std::string gathered_;
  std::uint64_t written_ = 0;
};

}  // namespace shardlog::cli
