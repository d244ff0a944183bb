// CAST of columns, for every pair of types that cast_rule allows.
#pragma once

#include "expr/function.h"

namespace slipstream::expr {

// `column` as `to`. A value without a counterpart is reported with ctx.fail() and NULL; a number
// that does not fit a DECIMAL is NULL without a failure, as in Flink. REQUIRES:
// cast_rule(column->type(), to) is not kNever
ColumnPtr cast_column(KernelContext& ctx, const ColumnPtr& column, const Type& to);

// The parts of it, one file each.
ColumnPtr cast_numeric(KernelContext& ctx, const ColumnPtr& column, const Type& to);
ColumnPtr cast_to_text(KernelContext& ctx, const ColumnPtr& column, const Type& to);
ColumnPtr cast_from_text(KernelContext& ctx, const ColumnPtr& column, const Type& to);
ColumnPtr cast_time(KernelContext& ctx, const ColumnPtr& column, const Type& to);

}  // namespace slipstream::expr
