#pragma once

/// Marks what the shared library offers: whatever an installed header declares and the library defines, and every class
/// with virtual functions, so that its type is the same one on both sides. Everything else is hidden.
#define SHARDLOG_API __attribute__((visibility("default")))
