#pragma once

/// Marks what the shared library exports: everything that an installed header declares and the library defines, and
/// every class with virtual functions, so that both sides see one type. Everything else is hidden.
#define SHARDLOG_API __attribute__((visibility("default")))
