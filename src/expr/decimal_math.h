// DECIMAL arithmetic on unscaled values. Rounds half up (away from zero); nothing when the result
// needs more digits than its type has.
#pragma once

#include <optional>

#include "slipstream/batch.h"

namespace slipstream::expr {

struct DecimalShape {
  int scale_a;
  int scale_b;
  int precision;  // of the result
  int scale;
};

std::optional<Int128> decimal_add(Int128 a, Int128 b, const DecimalShape& shape);
std::optional<Int128> decimal_subtract(Int128 a, Int128 b, const DecimalShape& shape);
std::optional<Int128> decimal_multiply(Int128 a, Int128 b, const DecimalShape& shape);
// REQUIRES: b != 0
std::optional<Int128> decimal_divide(Int128 a, Int128 b, const DecimalShape& shape);
std::optional<Int128> decimal_modulo(Int128 a, Int128 b, const DecimalShape& shape);

}  // namespace slipstream::expr
