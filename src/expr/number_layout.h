// Dispatch from the layout of a number to its C++ type.
#pragma once

#include "slipstream/batch.h"

#include "data/text/number.h"

namespace slipstream::expr {

// f(T{}) for the C++ type of a number. REQUIRES: the layout of a numeric type
template <typename F>
auto with_number_layout(Layout layout, F&& f) {
  switch (layout) {
    case Layout::kInt8:
      return f(std::int8_t{});
    case Layout::kInt16:
      return f(std::int16_t{});
    case Layout::kInt32:
      return f(std::int32_t{});
    case Layout::kInt64:
      return f(std::int64_t{});
    case Layout::kFloat:
      return f(float{});
    case Layout::kDouble:
      return f(double{});
    default:
      return f(Int128{});
  }
}

// The unscaled value of 1.
inline Int128 decimal_one(const Type& decimal) { return text::power_of_ten(decimal.scale()); }

}  // namespace slipstream::expr
