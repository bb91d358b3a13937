#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/sqlite/file_descriptor.h"

/// These functions throw like system_error().
namespace shardlog::sqlite {

/// The name of the file system that holds `path` if SQLite's WAL is not safe on it, because other machines may write to
/// it, or because its locks and shared memory are not the kernel's own (sqlite.org/wal.html). Empty if it is safe.
std::string unsafe_file_system(const std::string& path);

/// What a name stands for; empty if there is no such file. Symbolic links are not followed.
std::optional<struct stat> look_at(const std::string& path);
bool same_file(const struct stat& one, const struct stat& other);

/// As look_at(), but throws corrupt unless it is a regular file with one name: links and devices lead out of the
/// directory, and a pipe would block.
std::optional<struct stat> look_at_regular(const std::string& path);

/// In bytes, 0 if there is no such file.
std::int64_t size_of(const std::string& path);

/// The paths of all that is in a directory, in any order.
std::vector<std::string> paths_in(const std::string& directory);

/// Opens a directory, to sync it.
FileDescriptor open_directory(const std::string& path);

/// Makes a directory's entries durable.
void sync_directory(const std::string& path);

/// Renames a directory to a name that must be free: otherwise throws exists.
void rename_to_free_name(const std::string& from, const std::string& to);

/// The path of a directory without symbolic links, which SQLite refuses anywhere in a path that it opens with NOFOLLOW.
std::string real_path(const std::string& path);

/// An address without the slashes that it may end with; "/" stays as it is.
std::string without_slash(std::string path);

/// What comes after the last slash.
std::string file_name(const std::string& path);

/// The directory that holds `path`, "." for a bare name.
std::string parent_directory(const std::string& path);

}  // namespace shardlog::sqlite
