// A disk that can lose its power: a file system of one file, DIRECTORY/disk, for a loop device to stand on.
//
//   forgetful_disk IMAGE DIRECTORY
//
// Like a real disk it keeps what is written in a cache, until a flush (fsync) makes it part of IMAGE. When the power is
// cut, each piece of 4 KiB that has been written since the last flush is on disk in one of the versions that were
// written, or as it was before. Some are torn: only some of their sectors are on disk.
//
// Commands come as lines on standard input, and what there is to say goes to standard output:
//
//   unflushed         says how many pieces were written since the last flush
//   cut SEED CALLS    cuts the power at the given write or flush, counted from now; 0 is at once. Then it says how many
//                     pieces were unflushed, how many of them are on disk, and how many of those are torn, and ends
#define FUSE_USE_VERSION 35
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t piece_size = 4096;
constexpr std::size_t sector_size = 512;  // what every disk writes whole

using Piece = std::array<char, piece_size>;
using Randomness = std::mt19937_64;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The medium: what is here survives.
class Image {
 public:
  explicit Image(const char* path) : file_(open(path, O_RDWR | O_CLOEXEC)) {
    struct stat status {};
    if (file_ < 0 || fstat(file_, &status) != 0) fail(path);
    size_ = status.st_size;
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() { close(file_); }

  [[nodiscard]] off_t size() const { return size_; }

  [[nodiscard]] Piece read(std::uint64_t number) const {
    Piece piece{};
    if (pread(file_, piece.data(), piece.size(), place(number)) < 0) fail("cannot read the image");
    return piece;
  }

  void write(std::uint64_t number, const Piece& piece) {
    if (pwrite(file_, piece.data(), piece.size(), place(number)) != static_cast<ssize_t>(piece.size())) {
      fail("cannot write the image");
    }
  }

 private:
  static off_t place(std::uint64_t number) { return static_cast<off_t>(number * piece_size); }

  int file_;
  off_t size_ = 0;
};

/// What was written since the last flush, every version of it.
class Cache {
 public:
  explicit Cache(Image& image) : image_(image) {}

  [[nodiscard]] std::size_t size() const { return versions_.size(); }

  void read(std::uint64_t offset, std::span<char> target) const {
    for_each_piece(offset, target, [&](std::uint64_t number, std::size_t begin, std::span<char> part) {
      const auto piece = newest(number);
      std::copy_n(piece.begin() + begin, part.size(), part.begin());
    });
  }

  void write(std::uint64_t offset, std::span<const char> source) {
    for_each_piece(offset, source, [&](std::uint64_t number, std::size_t begin, std::span<const char> part) {
      auto piece = part.size() == piece_size ? Piece{} : newest(number);
      std::ranges::copy(part, piece.begin() + begin);
      versions_[number].push_back(piece);
    });
  }

  void flush() {
    for (const auto& [number, versions] : versions_) image_.write(number, versions.back());
    versions_.clear();
  }

  struct Survivors {
    std::size_t whole = 0;
    std::size_t torn = 0;
  };

  /// Leaves to the image what chance wants. The share of what survives is chance too, because a program may be wrong
  /// only if nearly all survives, or nearly nothing.
  Survivors forget(Randomness& randomness) {
    Survivors survivors;
    const double share = std::array{0.0, 0.1, 0.5, 0.9, 1.0}.at(randomness() % 5);
    for (const auto& [number, versions] : versions_) {
      if (!std::bernoulli_distribution(share)(randomness)) continue;
      auto piece = versions[randomness() % versions.size()];
      // The first piece of an ext4 holds its superblock, which it takes to be written whole: it has a checksum.
      const bool is_torn = number != 0 && randomness() % 16 == 0;
      if (is_torn) tear(piece, image_.read(number), randomness);
      image_.write(number, piece);
      ++(is_torn ? survivors.torn : survivors.whole);
    }
    versions_.clear();
    return survivors;
  }

 private:
  /// Calls `visit` with the number of each piece, where the part begins in it, and the part.
  template <typename Byte, typename Visit>
  static void for_each_piece(std::uint64_t offset, std::span<Byte> bytes, Visit visit) {
    while (!bytes.empty()) {
      const auto begin = offset % piece_size;
      const auto part = bytes.first(std::min(bytes.size(), piece_size - begin));
      visit(offset / piece_size, begin, part);
      bytes = bytes.subspan(part.size());
      offset += part.size();
    }
  }

  [[nodiscard]] Piece newest(std::uint64_t number) const {
    const auto found = versions_.find(number);
    return found == versions_.end() ? image_.read(number) : found->second.back();
  }

  static void tear(Piece& piece, const Piece& before, Randomness& randomness) {
    for (std::size_t at = 0; at < piece.size(); at += sector_size) {
      if (randomness() % 2 == 0) std::copy_n(before.begin() + at, sector_size, piece.begin() + at);
    }
  }

  Image& image_;
  std::map<std::uint64_t, std::vector<Piece>> versions_;
};

/// The disk as the kernel sees it, and the switch of its power. For several threads.
class Disk {
 public:
  explicit Disk(const char* path) : image_(path), cache_(image_) {}

  [[nodiscard]] off_t size() const { return image_.size(); }

  void read(std::uint64_t offset, std::span<char> target) {
    const std::scoped_lock lock(mutex_);
    cache_.read(offset, target);
  }

  void write(std::uint64_t offset, std::span<const char> source) {
    const std::scoped_lock lock(mutex_);
    cache_.write(offset, source);
    if (is_time_for_cut()) cut();
  }

  void flush() {
    const std::scoped_lock lock(mutex_);
    const bool is_cut = is_time_for_cut();
    if (is_cut && randomness_() % 4 != 0) cut();
    cache_.flush();
    if (is_cut) cut();  // flushed, and nobody was told
  }

  void say_unflushed() {
    const std::scoped_lock lock(mutex_);
    std::cout << cache_.size() << std::endl;
  }

  void cut_at(std::uint64_t seed, std::uint64_t calls) {
    const std::scoped_lock lock(mutex_);
    randomness_.seed(seed);
    calls_until_cut_ = calls;
    if (calls == 0) cut();
  }

 private:
  bool is_time_for_cut() { return calls_until_cut_ > 0 && --calls_until_cut_ == 0; }

  /// Ends the process, so that the kernel gets no answer any more.
  [[noreturn]] void cut() {
    const auto unflushed = cache_.size();
    const auto survivors = cache_.forget(randomness_);
    std::cout << unflushed << ' ' << survivors.whole + survivors.torn << ' ' << survivors.torn << std::endl;
    std::_Exit(EXIT_SUCCESS);
  }

  Image image_;
  Cache cache_;
  Randomness randomness_;
  std::uint64_t calls_until_cut_ = 0;  // 0: nobody wants a cut
  std::mutex mutex_;
};

Disk& disk() {
  return *static_cast<Disk*>(fuse_get_context()->private_data);
}

void* initialise(fuse_conn_info* connection, fuse_config* config) {
  connection->max_write = 1U << 20U;
  config->attr_timeout = config->entry_timeout = 3600;  // seconds; nothing changes
  return fuse_get_context()->private_data;
}

int get_attributes(const char* path, struct stat* status, fuse_file_info* /*file*/) {
  const bool is_directory = std::strcmp(path, "/") == 0;
  if (!is_directory && std::strcmp(path, "/disk") != 0) return -ENOENT;
  status->st_mode = is_directory ? S_IFDIR | 0700 : S_IFREG | 0600;
  status->st_nlink = is_directory ? 2 : 1;
  status->st_size = is_directory ? 0 : disk().size();
  return 0;
}

int open_disk(const char* /*path*/, fuse_file_info* file) {
  file->direct_io = 1;  // every write comes here at once
  return 0;
}

/// The rest of the disk from `offset` on, at most `size` bytes.
std::size_t within_disk(std::size_t size, off_t offset) {
  return static_cast<std::size_t>(std::clamp(disk().size() - offset, off_t{0}, static_cast<off_t>(size)));
}

int read_disk(const char* /*path*/, char* buffer, std::size_t size, off_t offset, fuse_file_info* /*file*/) {
  const auto count = within_disk(size, offset);
  disk().read(static_cast<std::uint64_t>(offset), {buffer, count});
  return static_cast<int>(count);
}

int write_disk(const char* /*path*/, const char* buffer, std::size_t size, off_t offset, fuse_file_info* /*file*/) {
  if (within_disk(size, offset) < size) return -ENOSPC;
  disk().write(static_cast<std::uint64_t>(offset), {buffer, size});
  return static_cast<int>(size);
}

int flush_disk(const char* /*path*/, int /*only_data*/, fuse_file_info* /*file*/) {
  disk().flush();
  return 0;
}

/// Until the end of the input, which is the end of the process too: nobody is left who could use the disk.
void obey_commands(Disk& disk) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    std::uint64_t seed = 0;
    std::uint64_t calls = 0;
    words >> command;
    if (command == "unflushed") {
      disk.say_unflushed();
    } else if (command == "cut" && words >> seed >> calls) {
      disk.cut_at(seed, calls);
    } else {
      std::cerr << "forgetful_disk: no such command: " << line << std::endl;
      std::_Exit(EXIT_FAILURE);
    }
  }
  std::_Exit(EXIT_SUCCESS);
}

int serve(char* program, const char* image, const char* directory) {
  Disk disk(image);
  fuse_operations operations{};
  operations.init = initialise;
  operations.getattr = get_attributes;
  operations.open = open_disk;
  operations.read = read_disk;
  operations.write = write_disk;
  operations.fsync = flush_disk;
  std::array<char*, 1> words{program};
  fuse_args arguments{1, words.data(), 0};
  auto* mounted = fuse_new(&arguments, &operations, sizeof(operations), &disk);
  if (mounted == nullptr || fuse_mount(mounted, directory) != 0) return EXIT_FAILURE;  // libfuse has said why
  // What is mounted on the disk must not be mounted here too: if this process were the last of its namespace and was
  // killed, the kernel would unmount that first, and wait for ever for an answer of the disk.
  if (unshare(CLONE_NEWNS) != 0) fail("cannot have a mount namespace");
  std::cout << "ready" << std::endl;
  std::thread([&] { obey_commands(disk); }).detach();
  fuse_loop(mounted);
  std::_Exit(EXIT_SUCCESS);  // it was unmounted
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: forgetful_disk IMAGE DIRECTORY\n";
    return EXIT_FAILURE;
  }
  try {
    return serve(argv[0], argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "forgetful_disk: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
