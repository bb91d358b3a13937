#include "shardlog/sqlite/file_system.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

/// From statfs(2), "Filesystem types". Those that are missing there are from the kernel's include/uapi/linux/magic.h
/// and fs/.
constexpr std::array<std::pair<std::uint32_t, const char*>, 14> unsafe_types{{
    {0x6969, "NFS"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x517b, "SMB"},
    {0x65735546, "FUSE or virtiofs"},
    {0x01021997, "9p"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x786f4256, "VirtualBox shared folder"},
    {0x0bd00bd0, "Lustre"},
    {0x01161970, "GFS2"},
    {0x7461636f, "OCFS2"},
    {0x564c, "NCP"},
}};

}  // namespace

std::string unsafe_file_system(const std::string& path) {
  struct statfs facts {};
  if (::statfs(path.c_str(), &facts) != 0) throw system_error("look at the file system of " + quote(path), errno);
  const auto type = static_cast<std::uint32_t>(facts.f_type);
  const auto* const found = std::find_if(unsafe_types.begin(), unsafe_types.end(),
                                         [type](const auto& unsafe) { return unsafe.first == type; });
  return found == unsafe_types.end() ? "" : found->second;
}

std::optional<struct stat> look_at(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) == 0) return facts;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw system_error("look at " + quote(path), errno);
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

std::optional<struct stat> look_at_regular(const std::string& path) {
  const auto facts = look_at(path);
  if (facts && (!S_ISREG(facts->st_mode) || facts->st_nlink != 1)) {
    throw Error(ErrorCode::corrupt, file_name(path) + " is not a regular file with one name");
  }
  return facts;
}

std::int64_t size_of(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_size : 0;
}

std::vector<std::string> paths_in(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    paths.push_back(entry->path());
  }
  if (failed) throw system_error("read the directory " + quote(directory), failed.value());
  return paths;
}

FileDescriptor open_directory(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) throw system_error("open " + quote(path), errno);
  return directory;
}

void sync_directory(const std::string& path) {
  if (::fsync(open_directory(path).get()) != 0) throw system_error("sync " + quote(path), errno);
}

void rename_to_free_name(const std::string& from, const std::string& to) {
  int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  // Some file systems lack the flag; rename(2) itself replaces only an empty directory, which is not a stream.
  if (result != 0 && (errno == EINVAL || errno == ENOSYS)) result = ::rename(from.c_str(), to.c_str());
  if (result == 0) return;
  if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR) {
    throw Error(ErrorCode::exists, "the name is taken");
  }
  throw system_error("rename " + quote(from), errno);
}

std::string real_path(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed);
  if (failed) throw system_error("look up " + quote(path), failed.value());
  return real.string();
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace shardlog::sqlite
