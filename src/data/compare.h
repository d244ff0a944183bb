// Comparison of cells and rows: keys, joins, MIN/MAX, tests.
#pragma once

#include <cstddef>

#include "slipstream/batch.h"

namespace slipstream {

// -1, 0, 1. NULL comes first and equals NULL; NaN equals NaN and comes last; 0.0 equals -0.0. Text
// compares by bytes. ROW and ARRAY compare element by element; MAP and MULTISET only answer equal
// (0) or not. REQUIRES: both columns have the same type but for nullability.
int compare_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b);

inline bool cells_equal(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b) {
  return compare_cells(a, row_a, b, row_b) == 0;
}

}  // namespace slipstream
