// Casts to and from text. CHAR(n) is padded, longer text is cut without an error, as in Flink.
#include <limits>
#include <optional>
#include <string>

#include "data/text/number.h"
#include "data/text/value.h"
#include "expr/cast.h"
#include "expr/kernel.h"

namespace slipstream::expr {

namespace {

std::string_view cut(std::string_view text, const Type& to) {
  const auto length = static_cast<std::size_t>(to.precision());
  // A text has at most as many code points as bytes.
  if (text.size() <= length) return text;
  return to.is_text() ? text::first_code_points(text, length) : text.substr(0, length);
}

// How many blanks (zero bytes) a fixed-length type still wants.
std::size_t missing(std::string_view text, const Type& to) {
  if (to.kind() != TypeKind::kChar && to.kind() != TypeKind::kBinary) return 0;
  const std::size_t length = to.is_text() ? text::code_points(text) : text.size();
  const auto wanted = static_cast<std::size_t>(to.precision());
  return wanted > length ? wanted - length : 0;
}

void set_fitted(TextResult& result, std::size_t row, std::string_view text, const Type& to,
                bool is_view) {
  text = cut(text, to);
  const std::size_t padding = missing(text, to);
  if (padding == 0) {
    if (is_view) {
      result.set_view(row, text);
    } else {
      result.set(row, text);
    }
    return;
  }
  char* const padded = result.allocate(text.size() + padding);
  if (!text.empty()) std::memcpy(padded, text.data(), text.size());
  std::memset(padded + text.size(), to.is_text() ? ' ' : 0, padding);
  result.set_view(row, std::string_view(padded, text.size() + padding));
}

bool is_unlimited(const Type& to) {
  return (to.kind() == TypeKind::kVarChar || to.kind() == TypeKind::kVarBinary) &&
         to.precision() == Type::kUnlimited;
}

template <typename T>
ColumnPtr integers_from_text(KernelContext& ctx, const Column& column, const Type& to) {
  FixedResult<T> result(to, ctx.rows());
  each_row(ctx, [&](std::size_t row) {
    if (column.is_null(row)) return result.set_null(row);
    const std::optional<std::int64_t> value = text::parse_integer(
        column.text(row), std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
    if (value) return result.set(row, static_cast<T>(*value));
    ctx.fail(row, text::parse_failure(column.text(row), to));
    result.set_null(row);
  });
  return result.finish();
}

}  // namespace

ColumnPtr cast_to_text(KernelContext& ctx, const ColumnPtr& column, const Type& to) {
  const Type& from = column->type();
  const bool is_text = from.layout() == Layout::kString;
  if (is_text && is_unlimited(to)) return retyped(column, to, ctx.rows());
  TextResult result(to, ctx.rows());
  if (is_text) {
    result.pin(*column);
    each_row(ctx, [&](std::size_t row) {
      if (column->is_null(row)) return result.set_null(row);
      set_fitted(result, row, column->text(row), to, true);
    });
    return result.finish();
  }
  std::string scratch;
  each_row(ctx, [&](std::size_t row) {
    if (column->is_null(row)) return result.set_null(row);
    scratch.clear();
    text::to_text(*column, row, ctx.eval().zone, scratch);
    set_fitted(result, row, scratch, to, false);
  });
  return result.finish();
}

ColumnPtr cast_from_text(KernelContext& ctx, const ColumnPtr& column, const Type& to) {
  if (to.kind() == TypeKind::kBigInt) return integers_from_text<std::int64_t>(ctx, *column, to);
  if (to.kind() == TypeKind::kInt) return integers_from_text<std::int32_t>(ctx, *column, to);
  if (to.is_binary()) return cast_to_text(ctx, column, to);
  ColumnBuilder builder(to);
  builder.reserve(ctx.rows());
  each_row(ctx, [&](std::size_t row) {
    while (builder.size() < row) builder.append_null();
    if (column->is_null(row)) return builder.append_null();
    if (text::parse(column->text(row), ctx.eval().zone, builder)) return;
    ctx.fail(row, text::parse_failure(column->text(row), to));
    builder.append_null();
  });
  while (builder.size() < ctx.rows()) builder.append_null();
  return builder.finish();
}

}  // namespace slipstream::expr
