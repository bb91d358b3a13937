#include "shardlog/sqlite/segment_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::string_view prefix = "stream.";

constexpr mode_t permissions = S_IRWXU | S_IRWXG | S_IRWXO;

/// Gives a new file the group of another, and, if this process may, the owner: whoever may use the stream must be able
/// to use all of it.
bool give_away(int file, const struct stat& like) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return false;
  const bool foreign = ::geteuid() == 0 && facts.st_uid != like.st_uid;
  if (!foreign && facts.st_gid == like.st_gid) return true;
  if (::fchown(file, foreign ? like.st_uid : facts.st_uid, like.st_gid) == 0) return true;
  if (errno == EINVAL) errno = EPERM;  // an owner that this user namespace does not know
  return false;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::string segment_name(std::int64_t id) {
  return fmt::format("{}{:08}", prefix, id);
}

std::optional<std::int64_t> segment_of(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const auto id = parse_number<std::int64_t>(name.substr(prefix.size()));
  return id && *id > 0 && *id <= most_counted && segment_name(*id) == name ? id : std::nullopt;
}

HeldSegment::~HeldSegment() {
  if (file_.valid()) ::flock(file_.get(), LOCK_UN);
}

/// O_PATH, because a user who may look up names in a directory may read the stream, even if he may not list it.
SegmentFiles::SegmentFiles(const std::string& directory)
    : directory_(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (!directory_.valid()) throw system_error("open " + quote(directory), errno);
}

FileDescriptor SegmentFiles::open_to_list() const {
  FileDescriptor directory(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) throw system_error("open the directory of the stream", errno);
  return directory;
}

FileDescriptor SegmentFiles::open(std::int64_t id, int flags) const {
  const std::string name = segment_name(id);
  FileDescriptor file(::openat(directory_.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid() && errno == ENOENT) return file;
  if (!file.valid() && errno == ELOOP) throw Error(ErrorCode::corrupt, name + " is a symbolic link");
  if (!file.valid()) throw system_error("open " + name, errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) throw system_error("look at " + name, errno);
  // Without a name it is one that was trimmed in this moment, and still holds what it held.
  if (!S_ISREG(facts.st_mode) || facts.st_nlink > 1) {
    throw Error(ErrorCode::corrupt, name + " is not a regular file with one name");
  }
  return file;
}

HeldSegment SegmentFiles::hold(std::int64_t id, int flags) const {
  FileDescriptor file = open(id, flags);
  if (!file.valid() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return HeldSegment(std::move(file));
}

HeldSegment SegmentFiles::create(std::int64_t id) const {
  const std::string name = segment_name(id);
  FileDescriptor file(
      ::openat(directory_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.valid() && errno == EEXIST) return {};
  if (!file.valid()) throw system_error("create " + name, errno);
  struct stat database {};
  const bool made = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
                    ::fstatat(directory_.get(), "stream.db", &database, AT_SYMLINK_NOFOLLOW) == 0 &&
                    give_away(file.get(), database) && ::fchmod(file.get(), database.st_mode & permissions) == 0;
  if (made) return HeldSegment(std::move(file));
  const int reason = errno;
  ::unlinkat(directory_.get(), name.c_str(), 0);
  if (reason == EWOULDBLOCK) return {};  // verify() has just looked whether anybody holds it
  throw system_error("create " + name, reason);
}

bool SegmentFiles::remove(std::int64_t id) const noexcept {
  return ::unlinkat(directory_.get(), segment_name(id).c_str(), 0) == 0 || errno == ENOENT;
}

std::int64_t SegmentFiles::free_bytes() const {
  struct statvfs facts {};
  if (::fstatvfs(directory_.get(), &facts) != 0 || facts.f_blocks == 0) return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>((::geteuid() == 0 ? facts.f_bfree : facts.f_bavail) * facts.f_frsize);
}

void SegmentFiles::sync() const {
  if (::fsync(open_to_list().get()) != 0) throw system_error("sync the directory of the stream", errno);
}

bool SegmentFiles::may_list() const {
  return ::faccessat(directory_.get(), ".", R_OK, AT_EACCESS) == 0;
}

std::vector<SegmentFiles::File> SegmentFiles::list() const {
  FileDescriptor directory = open_to_list();
  const std::unique_ptr<DIR, CloseDirectory> entries(::fdopendir(directory.get()));
  if (!entries) throw system_error("read the directory of the stream", errno);
  directory.release();
  std::vector<File> files;
  errno = 0;
  while (const dirent* const entry = ::readdir(entries.get())) {
    struct stat facts {};
    const auto id = segment_of(entry->d_name);
    if (id && ::fstatat(directory_.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode)) {
      files.push_back({*id, facts.st_size});
    }
    errno = 0;
  }
  if (errno != 0) throw system_error("read the directory of the stream", errno);
  std::ranges::sort(files, {}, &File::id);
  return files;
}

std::optional<std::int64_t> SegmentFiles::size_of(std::int64_t id) const {
  struct stat facts {};
  const int result = ::fstatat(directory_.get(), segment_name(id).c_str(), &facts, AT_SYMLINK_NOFOLLOW);
  return result == 0 ? std::optional<std::int64_t>(facts.st_size) : std::nullopt;
}

bool SegmentFiles::is_held(std::int64_t id) const {
  FileDescriptor file(
      ::openat(directory_.get(), segment_name(id).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return false;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  const HeldSegment for_a_moment(std::move(file));
  return false;
}

/// False if there is no such segment.
bool SegmentReader::open(std::int64_t id) {
  if (id_ == id) return true;
  id_ = 0;
  file_ = files_.open(id, O_RDONLY);
  if (file_.valid()) id_ = id;
  return file_.valid();
}

std::optional<StoredPayload> SegmentReader::read(const PayloadPlace& place, bool pin) {
  if (!open(place.segment)) return std::nullopt;
  StoredPayload payload{Bytes(place.size)};
  if (pin) payload.pinned = pinner_.read(file_.get(), place.at, {payload.bytes.data(), payload.bytes.size()});
  read_rest(place, payload.bytes, payload.pinned ? payload.pinned->size() : 0);
  return payload;
}

void SegmentReader::read_rest(const PayloadPlace& place, Bytes& to, std::size_t done) const {
  while (done < to.size()) {
    const ssize_t got =
        ::pread(file_.get(), to.data() + done, to.size() - done, place.at + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("read " + segment_name(id_), errno);
    if (got == 0) throw_corrupt(segment_name(id_) + " is cut off");
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace shardlog::sqlite
