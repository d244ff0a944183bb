// How much of a table a snapshot holds.
#pragma once

#include <cstdint>

namespace slipstream::state {

enum class Extent : std::uint8_t {
  kFull,         // all that there is
  kIncremental,  // what was changed or freed since the snapshot before it
};

}  // namespace slipstream::state
