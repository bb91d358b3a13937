#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shardlog/log/stream.h"

/// Engines that are modules: shared objects that are loaded when an address needs them. So whoever does not need them
/// starts as fast as without them, and loads none of their libraries.
///
/// A module has a copy of its own of the types below the seam, and exports one C function. Classes and exceptions go
/// across, because libstdc++ tells types by their names.
namespace shardlog {

/// What a module exports as `make_engine_symbol`. Makes the engine, and returns true, unless `version` is not the
/// module's own: nothing else may pass between two versions.
extern "C" using MakeEngine = bool(std::string_view version, std::unique_ptr<Engine>& engine);
inline constexpr const char* make_engine_symbol = "shardlog_make_engine";

/// How messages call what a module is for, and the library that it needs.
struct ModuleNames {
  std::string system;
  std::string library;
};

/// The engine of the module "<name>.so". Throws usage if there is no such module, or it cannot be loaded: the message
/// begins with `what`, and says what to install.
std::unique_ptr<Engine> load_engine(const std::string& name, const ModuleNames& names, const std::string& what);

}  // namespace shardlog
