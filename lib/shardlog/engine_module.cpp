#include "shardlog/engine_module.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace shardlog {

namespace {

using Path = std::filesystem::path;

/// The program or the shared library that this code is in; empty if the system does not tell.
Path own_file() {
  Dl_info info{};
  void* extra = nullptr;
  if (dladdr1(make_engine_symbol, &info, &extra, RTLD_DL_LINKMAP) == 0) return {};
  const auto* const map = static_cast<const link_map*>(extra);
  const bool is_program = map == nullptr || map->l_name == nullptr || *map->l_name == '\0';
  std::error_code unknown;
  Path file = std::filesystem::canonical(is_program ? "/proc/self/exe" : map->l_name, unknown);
  return unknown ? Path() : file;
}

/// Where modules may be: relative to the program or the shared library, so that an installed tree can be moved, and
/// where they were to be installed, for programs of others that the library is linked into.
std::vector<Path> module_directories() {
  std::vector<Path> directories;
  if (const Path file = own_file(); !file.empty()) {
    directories.push_back((file.parent_path() / SHARDLOG_LIBRARIES_FROM_PROGRAMS / "shardlog").lexically_normal());
    directories.push_back(file.parent_path() / "shardlog");
  }
  directories.emplace_back(SHARDLOG_MODULES);
  return directories;
}

std::optional<Path> find_module(const std::string& name) {
  for (const Path& directory : module_directories()) {
    std::error_code absent;
    Path file = directory / (name + ".so");
    if (std::filesystem::exists(file, absent)) return file;
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Engine> load_engine(const std::string& name, const ModuleNames& names, const std::string& what) {
  const auto refuse = [&](const std::string& why) { throw Error(ErrorCode::usage, fmt::format("{}: {}", what, why)); };
  const auto file = find_module(name);
  if (!file) {
    refuse(fmt::format("the engine for {} is not there: install {}, and a shardlog that was built with it",
                       names.system, names.library));
  }
  void* const module = dlopen(file->c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: its library has threads
  if (module == nullptr) {
    const char* const reason = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it for each thread
    refuse(fmt::format("the engine for {} cannot be loaded: install {} ({})", names.system, names.library,
                       reason == nullptr ? "" : reason));
  }
  auto* const make = reinterpret_cast<MakeEngine*>(dlsym(module, make_engine_symbol));
  std::unique_ptr<Engine> engine;
  if (make == nullptr || !make(SHARDLOG_VERSION, engine)) {
    refuse(fmt::format("{} is not of version {} of shardlog: install both of one version", quote(file->string()),
                       SHARDLOG_VERSION));
  }
  return engine;
}

}  // namespace shardlog
