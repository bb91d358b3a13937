#include "shardlog/sqlite/segment_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::string_view prefix = "stream.";

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

SegmentFiles::SegmentFiles(const std::string& directory) : directory_(open_directory(directory)) {}

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

std::vector<SegmentFiles::File> SegmentFiles::list() const {
  // A descriptor of its own, because one that has read a directory to its end stands there.
  FileDescriptor again(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseDirectory> entries(again.valid() ? ::fdopendir(again.get()) : nullptr);
  if (!entries) throw system_error("read the directory of the stream", errno);
  again.release();
  std::vector<File> files;
  errno = 0;
  while (const dirent* const entry = ::readdir(entries.get())) {
    struct stat facts {};
    const auto id = segment_of(entry->d_name);
    if (id && ::fstatat(directory_.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0) {
      files.push_back({*id, facts.st_size});
    }
    errno = 0;
  }
  if (errno != 0) throw system_error("read the directory of the stream", errno);
  std::ranges::sort(files, {}, &File::id);
  return files;
}

std::int64_t SegmentFiles::size() const {
  std::int64_t size = 0;
  for (const File& file : list()) size += file.size;
  return size;
}

std::optional<Bytes> SegmentReader::read(const PayloadPlace& place) {
  if (id_ != place.segment) {
    id_ = 0;
    file_ = files_.open(place.segment, O_RDONLY);
    if (!file_.valid()) return std::nullopt;
    id_ = place.segment;
  }
  Bytes payload(place.size);
  for (std::size_t done = 0; done < payload.size();) {
    const ssize_t got =
        ::pread(file_.get(), payload.data() + done, payload.size() - done, place.at + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("read " + segment_name(id_), errno);
    if (got == 0) throw_corrupt(segment_name(id_) + " is cut off");
    done += static_cast<std::size_t>(got);
  }
  return payload;
}

}  // namespace shardlog::sqlite
