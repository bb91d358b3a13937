#include "tools/stream-put/progress.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr auto first_after = std::chrono::seconds(1);
constexpr auto again_after = std::chrono::milliseconds(200);

bool state_of(const std::string& file, struct stat& state) {
  return (file == "-" ? ::fstat(STDIN_FILENO, &state) : ::stat(file.c_str(), &state)) == 0;
}

bool typed(const std::string& file) {
  struct stat state {};
  return state_of(file, state) && S_ISCHR(state.st_mode);
}

std::optional<std::uint64_t> size_of(const std::vector<std::string>& files) {
  std::uint64_t total = 0;
  for (const std::string& file : files) {
    struct stat state {};
    if (!state_of(file, state) || !S_ISREG(state.st_mode)) return std::nullopt;
    const off_t done = file == "-" ? std::max<off_t>(::lseek(STDIN_FILENO, 0, SEEK_CUR), 0) : 0;
    total += static_cast<std::uint64_t>(std::max<off_t>(state.st_size - done, 0));
  }
  return total;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Progress::Progress(const std::vector<std::string>& files, const Context& context, bool shared)
    : clock_(context.clock),
      shown_(!context.quiet && !shared && ::isatty(STDERR_FILENO) != 0 &&
             std::none_of(files.begin(), files.end(), typed)),
      total_(size_of(files)),
      start_(clock_.elapsed()),
      last_(start_) {}

void Progress::add(std::uint64_t records, std::uint64_t input_bytes) {
  records_ += records;
  input_bytes_ += input_bytes;
  if (!shown_) return;
  const Duration now = clock_.elapsed();
  if (now - start_ < first_after || now - last_ < again_after) return;
  last_ = now;
  std::string text = line(now - start_);
  const std::size_t width = text.size();
  text.append(std::max(width_, width) - width, ' ');
  width_ = width;
  print("\r" + text);
}

void Progress::clear() {
  if (width_ == 0) return;
  print("\r" + std::string(width_, ' ') + "\r");
  width_ = 0;
}

std::string Progress::line(Duration passed) const {
  const double seconds = std::chrono::duration<double>(passed).count();
  const auto a_second = [seconds](std::uint64_t count) {
    return static_cast<std::uint64_t>(static_cast<double>(count) / seconds);
  };
  std::string text = fmt::format("{}, {}, {}/s, {}/s", format_count(records_, "record"), format_size(input_bytes_),
                                 format_count(a_second(records_), "record"), format_size(a_second(input_bytes_)));
  if (total_ && *total_ > 0) text += fmt::format(", {} %", std::min<std::uint64_t>(100 * input_bytes_ / *total_, 100));
  return text;
}

}  // namespace shardlog::cli
