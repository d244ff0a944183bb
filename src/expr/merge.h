// One column out of the branches of CASE and COALESCE.
#pragma once

#include <span>

#include "slipstream/batch.h"

namespace slipstream::expr {

// The values of `rows` come from `column`.
struct Piece {
  ColumnPtr column;
  std::span<const std::uint32_t> rows;
};

// REQUIRES: the pieces' rows are disjoint, their columns have the layout of `type` (or are of type
// NULL). Rows in no piece are NULL.
ColumnPtr merge_pieces(const Type& type, std::size_t rows, std::span<const Piece> pieces);

// `column`, and NULL where `other` is.
ColumnPtr with_nulls_of(const ColumnPtr& column, const Column& other, std::size_t rows);

}  // namespace slipstream::expr
