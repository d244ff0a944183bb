// A share of the memory budget for what is received ahead of its reader.
#pragma once

#include <cstddef>
#include <functional>

namespace slipstream {

// Bytes are reserved before they are asked for from a peer and released when the reader has taken
// them. Both functions empty: no budget.
// Thread: any.
struct BufferMemory {
  // False: not now; the caller makes do with what it has. `must`: taken in any case, for the one
  // request without which nothing moves.
  std::function<bool(std::size_t bytes, bool must)> reserve{};
  std::function<void(std::size_t bytes)> release{};
};

}  // namespace slipstream
