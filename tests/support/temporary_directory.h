#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace shardlog::test {

/// An empty directory that goes away with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : TemporaryDirectory(testing::TempDir()) {}
  explicit TemporaryDirectory(const std::string& parent) : path_(parent + "shardlog-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// In memory where there is such a place: for what makes thousands of commits and asks nothing of the disk.
  static TemporaryDirectory without_disk() {
    const std::string memory = "/dev/shm/";
    return TemporaryDirectory(::access(memory.c_str(), W_OK) == 0 ? memory : testing::TempDir());
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace shardlog::test
