// Units of time shared by casts, interval arithmetic and time functions.
#pragma once

#include <cstdint>
#include <optional>

namespace slipstream::expr {

// A timestamp in other units per second, rounded down; nothing on overflow.
std::optional<std::int64_t> change_units(std::int64_t value, std::int64_t from_per_second,
                                         std::int64_t to_per_second);

}  // namespace slipstream::expr
