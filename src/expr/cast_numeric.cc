// Casts among numbers, BOOLEAN and intervals.
//
// Integers wrap, floating point saturates and NaN is 0, as in Java. A number that has too many
// digits for a DECIMAL becomes NULL, as in Flink.
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "data/text/number.h"
#include "expr/cast.h"
#include "expr/kernel.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

template <typename To, typename From>
To saturated(From value) {
  if (std::isnan(value)) return 0;
  // 2^63 and 2^31 are exact in both floating types; their maxima are not.
  constexpr From kLimit = static_cast<From>(To{1} << (std::numeric_limits<To>::digits - 1)) * 2;
  if (value >= kLimit) return std::numeric_limits<To>::max();
  if (value < -kLimit) return std::numeric_limits<To>::min();
  return static_cast<To>(value);
}

template <typename To, typename From>
To converted(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if constexpr (sizeof(To) == 8) return saturated<std::int64_t>(value);
    // BYTE and SHORT go through INT in Java, and wrap from there.
    return static_cast<To>(saturated<std::int32_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename From>
ColumnPtr to_boolean(const KernelContext& ctx, const Column& column, const Type& to) {
  return map_unary<std::uint8_t, From>(
      ctx, column, to, [](From value) { return static_cast<std::uint8_t>(value != 0 ? 1 : 0); });
}

template <typename From>
ColumnPtr to_decimal(const KernelContext& ctx, const Column& column, const Type& to) {
  FixedResult<Int128> result(to, ctx.rows());
  const From* in = column.data<From>();
  const int from_scale = column.type().scale();
  each_row(ctx, [&](std::size_t row) {
    if (column.is_null(row)) return result.set_null(row);
    std::optional<Int128> value;
    if constexpr (std::is_floating_point_v<From>) {
      value = text::decimal_from_double(static_cast<double>(in[row]), to.precision(), to.scale());
    } else {
      value = text::rescale(Int128{in[row]}, from_scale, to.precision(), to.scale());
    }
    if (value) {
      result.set(row, *value);
    } else {
      result.set_null(row);
    }
  });
  return result.finish();
}

template <typename From>
ColumnPtr from_plain(const KernelContext& ctx, const Column& column, const Type& to) {
  switch (to.layout()) {
    case Layout::kBool:
      return to_boolean<From>(ctx, column, to);
    case Layout::kInt8:
      return map_unary<std::int8_t, From>(ctx, column, to,
                                          [](From v) { return converted<std::int8_t>(v); });
    case Layout::kInt16:
      return map_unary<std::int16_t, From>(ctx, column, to,
                                           [](From v) { return converted<std::int16_t>(v); });
    case Layout::kInt32:
      return map_unary<std::int32_t, From>(ctx, column, to,
                                           [](From v) { return converted<std::int32_t>(v); });
    case Layout::kInt64:
      return map_unary<std::int64_t, From>(ctx, column, to,
                                           [](From v) { return converted<std::int64_t>(v); });
    case Layout::kFloat:
      return map_unary<float, From>(ctx, column, to, [](From v) { return converted<float>(v); });
    case Layout::kDouble:
      return map_unary<double, From>(ctx, column, to, [](From v) { return converted<double>(v); });
    case Layout::kInt128:
      return to_decimal<From>(ctx, column, to);
    default:
      return all_null(to, ctx.rows());
  }
}

template <typename To>
ColumnPtr decimal_to_integer(const KernelContext& ctx, const Column& column, const Type& to) {
  const Int128 unit = text::power_of_ten(column.type().scale());
  return map_unary<To, Int128>(ctx, column, to,
                               [unit](Int128 value) { return static_cast<To>(value / unit); });
}

ColumnPtr from_decimal(const KernelContext& ctx, const Column& column, const Type& to) {
  const int scale = column.type().scale();
  switch (to.layout()) {
    case Layout::kBool:
      return to_boolean<Int128>(ctx, column, to);
    case Layout::kInt8:
      return decimal_to_integer<std::int8_t>(ctx, column, to);
    case Layout::kInt16:
      return decimal_to_integer<std::int16_t>(ctx, column, to);
    case Layout::kInt32:
      return decimal_to_integer<std::int32_t>(ctx, column, to);
    case Layout::kInt64:
      return decimal_to_integer<std::int64_t>(ctx, column, to);
    case Layout::kFloat:
      return map_unary<float, Int128>(ctx, column, to, [scale](Int128 v) {
        return static_cast<float>(text::decimal_to_double(v, scale));
      });
    case Layout::kDouble:
      return map_unary<double, Int128>(
          ctx, column, to, [scale](Int128 v) { return text::decimal_to_double(v, scale); });
    case Layout::kInt128:
      return to_decimal<Int128>(ctx, column, to);
    default:
      return all_null(to, ctx.rows());
  }
}

}  // namespace

ColumnPtr cast_numeric(KernelContext& ctx, const ColumnPtr& column, const Type& to) {
  switch (column->type().layout()) {
    case Layout::kBool:
      return from_plain<std::uint8_t>(ctx, *column, to);
    case Layout::kInt8:
      return from_plain<std::int8_t>(ctx, *column, to);
    case Layout::kInt16:
      return from_plain<std::int16_t>(ctx, *column, to);
    case Layout::kInt32:
      return from_plain<std::int32_t>(ctx, *column, to);
    case Layout::kInt64:
      return from_plain<std::int64_t>(ctx, *column, to);
    case Layout::kFloat:
      return from_plain<float>(ctx, *column, to);
    case Layout::kDouble:
      return from_plain<double>(ctx, *column, to);
    case Layout::kInt128:
      return from_decimal(ctx, *column, to);
    default:
      return all_null(to, ctx.rows());
  }
}

}  // namespace slipstream::expr
