// One column out of the branches of CASE and COALESCE.
#pragma once

#include <span>

#include "slipstream/batch.h"

namespace slipstream::expr {

// The values of `rows` come from `column`.
struct ColumnPart {
  ColumnPtr column;
  std::span<const std::uint32_t> rows;
};

// Rows in no part are NULL.
// REQUIRES: the rows of the parts are disjoint, their columns have the layout of `type` (or are of
//           type NULL).
ColumnPtr merge_parts(const Type& type, std::size_t rows, std::span<const ColumnPart> parts);

// `column`, and NULL where `other` is.
ColumnPtr with_nulls_of(const ColumnPtr& column, const Column& other, std::size_t rows);

}  // namespace slipstream::expr
