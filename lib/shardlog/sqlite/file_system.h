#pragma once

#include <string>

#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// The name of the file system below `path` where SQLite's WAL is not safe on it, because other machines may write it
/// or its locks and shared memory are not the kernel's own (sqlite.org/wal.html); empty where it is safe. Throws like
/// system_error().
std::string unsafe_file_system(const std::string& path);

/// To sync a directory by. Throws like system_error().
FileDescriptor open_directory(const std::string& path);

/// Makes a directory's entries durable.
void sync_directory(const std::string& path);

/// Renames a directory to a name that must be free. Throws exists where it is not.
void rename_to_free_name(const std::string& from, const std::string& to);

/// The path of a directory without symbolic links in it, which SQLite refuses anywhere in a path that it must not
/// follow. Throws like system_error().
std::string real_path(const std::string& path);

/// The directory that holds `path`, "." for a bare name.
std::string parent_directory(const std::string& path);

}  // namespace shardlog::sqlite
