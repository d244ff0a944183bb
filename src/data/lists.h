// Which columns have offsets. For the sources of this folder.
#pragma once

#include "slipstream/types.h"

namespace slipstream {

// A value of the type is a run of values of its children.
inline bool is_list(TypeKind kind) {
  return kind == TypeKind::kArray || kind == TypeKind::kMap || kind == TypeKind::kMultiset;
}

}  // namespace slipstream
