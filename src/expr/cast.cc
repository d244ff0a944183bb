#include "expr/cast.h"

#include <cstdint>
#include <vector>

#include "expr/kernel.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

// Elements of the selected, non-NULL rows, and the row of each.
struct Elements {
  std::vector<std::uint32_t> positions;
  std::vector<std::uint32_t> rows;
};

Elements selected_elements(const KernelContext& ctx, const Column& column) {
  Elements elements;
  each_row(ctx, [&](std::size_t row) {
    if (column.is_null(row)) return;
    for (auto at = static_cast<std::uint32_t>(column.offsets()[row]);
         at < static_cast<std::uint32_t>(column.offsets()[row + 1]); ++at) {
      elements.positions.push_back(at);
      elements.rows.push_back(static_cast<std::uint32_t>(row));
    }
  });
  return elements;
}

// ARRAY, MAP, MULTISET: the children are cast element by element, the offsets stay.
ColumnPtr cast_collection(KernelContext& ctx, const Column& column, const Type& to) {
  const Elements elements = selected_elements(ctx, column);
  ColumnParts parts;
  parts.type = to;
  parts.size = ctx.rows();
  parts.offsets.assign(column.offsets().begin(),
                       column.offsets().begin() + static_cast<std::ptrdiff_t>(ctx.rows()) + 1);
  Validity validity(ctx.rows());
  validity.add_nulls_of(column);
  for (std::size_t i = 0; i < column.children().size(); ++i) {
    const ColumnPtr& child = column.children()[i];
    if (i >= to.children().size() || same_type(child->type(), to.children()[i].type)) {
      parts.children.push_back(child);
      continue;
    }
    KernelContext inner(ctx.eval(), child->size(), elements.positions);
    parts.children.push_back(cast_column(inner, child, to.children()[i].type));
    std::size_t at = 0;
    for (const KernelContext::Failure& failure : inner.failures()) {
      while (elements.positions[at] != failure.row) ++at;
      ctx.fail(elements.rows[at], failure.reason);
      validity.set_null(elements.rows[at]);
    }
  }
  parts.validity = validity.take();
  return std::make_shared<const Column>(std::move(parts));
}

ColumnPtr cast_row(KernelContext& ctx, const Column& column, const Type& to) {
  std::vector<std::uint32_t> present;
  each_row(ctx, [&](std::size_t row) {
    if (!column.is_null(row)) present.push_back(static_cast<std::uint32_t>(row));
  });
  ColumnParts parts;
  parts.type = to;
  parts.size = ctx.rows();
  Validity validity(ctx.rows());
  validity.add_nulls_of(column);
  for (std::size_t i = 0; i < column.children().size(); ++i) {
    KernelContext inner(ctx.eval(), ctx.rows(), present);
    parts.children.push_back(cast_column(inner, column.children()[i], to.children()[i].type));
    for (const KernelContext::Failure& failure : inner.failures()) {
      ctx.fail(failure.row, failure.reason);
      validity.set_null(failure.row);
    }
  }
  parts.validity = validity.take();
  return std::make_shared<const Column>(std::move(parts));
}

bool is_temporal(const Type& type) {
  return type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTime || type.is_timestamp();
}

}  // namespace

ColumnPtr cast_column(KernelContext& ctx, const ColumnPtr& column, const Type& to) {
  const Type& from = column->type();
  if (from.kind() == TypeKind::kNull) return all_null(to, ctx.rows());
  if (same_type(from, to)) return retyped(column, to, ctx.rows());
  if (to.is_text() || (to.is_binary() && from.is_binary())) return cast_to_text(ctx, column, to);
  if (from.is_text()) return cast_from_text(ctx, column, to);
  if (is_temporal(from) && is_temporal(to)) return cast_time(ctx, column, to);
  if (from.kind() == TypeKind::kRow) return cast_row(ctx, *column, to);
  if (from.layout() == Layout::kNested) return cast_collection(ctx, *column, to);
  return cast_numeric(ctx, column, to);
}

}  // namespace slipstream::expr
