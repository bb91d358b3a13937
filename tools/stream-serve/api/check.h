#pragma once

#include <vector>

#include "tools/stream-serve/api/refusal.h"
#include "tools/stream-serve/api/type.h"
#include "tools/stream-serve/wire/value.h"

namespace shardlog::serve::api {

/// Whether the members that a request has are of their types. Decodes blobs. Members that the type does not know are
/// ignored. (The messages are those of the service, as mhart/kinesalite has recorded them: validations/index.js,
/// "checkTypes".)
Check check_types(wire::Document& request, const std::vector<Member>& members);

/// Whether the request keeps to the constraints of its type. The message names all faults that there are.
/// REQUIRES: check_types() has passed it
Check check_constraints(const wire::Value& request, const std::vector<Member>& members);

}  // namespace shardlog::serve::api
