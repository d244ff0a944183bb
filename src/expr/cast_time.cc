// Casts among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ. A lower precision cuts.
#include <cstdint>
#include <optional>

#include "data/text/civil.h"
#include "data/text/temporal.h"
#include "expr/cast.h"
#include "expr/kernel.h"
#include "expr/temporal.h"

namespace slipstream::expr {

namespace {

using text::floor_div;
using text::floor_mod;

std::int64_t units_of_digit(int precision) {
  std::int64_t unit = 1;
  for (int digit = precision <= 6 ? 6 : 9; digit > precision; --digit) unit *= 10;
  return unit;
}

// The wall clock in the units of `to`; nothing when nanoseconds cannot count that far.
std::optional<std::int64_t> rescaled(std::int64_t value, const Type& from, const Type& to) {
  const std::optional<std::int64_t> scaled =
      change_units(value, from.units_per_second(), to.units_per_second());
  if (!scaled || to.precision() >= from.precision()) return scaled;
  return *scaled - floor_mod(*scaled, units_of_digit(to.precision()));
}

std::optional<std::int64_t> timestamp_value(const Column& column, std::size_t row, const Type& to,
                                            const TimeZone& zone) {
  const Type& from = column.type();
  if (from.is_timestamp()) {
    std::optional<std::int64_t> value = rescaled(column.data<std::int64_t>()[row], from, to);
    if (!value || from.kind() == to.kind()) return value;
    return to.kind() == TypeKind::kTimestamp ? zone.to_local(*value, to.units_per_second())
                                             : zone.from_local(*value, to.units_per_second());
  }
  const std::int64_t cell = column.data<std::int32_t>()[row];
  const std::int64_t millis = from.kind() == TypeKind::kDate ? cell * text::kMillisPerDay : cell;
  const std::optional<std::int64_t> local = change_units(millis, 1000, to.units_per_second());
  if (!local || to.kind() == TypeKind::kTimestamp) return local;
  return zone.from_local(*local, to.units_per_second());
}

ColumnPtr to_timestamp(KernelContext& ctx, const Column& column, const Type& to) {
  FixedResult<std::int64_t> result(to, ctx.rows());
  each_row(ctx, [&](std::size_t row) {
    if (column.is_null(row)) return result.set_null(row);
    const std::optional<std::int64_t> value = timestamp_value(column, row, to, ctx.eval().zone);
    if (value) return result.set(row, *value);
    ctx.fail(row,
             "out of the range of " + to.with_nullable(true).to_string() + " (years 1678 to 2261)");
    result.set_null(row);
  });
  return result.finish();
}

ColumnPtr to_date_or_time(const KernelContext& ctx, const Column& column, const Type& to) {
  const Type& from = column.type();
  const std::int64_t units = from.units_per_second();
  const bool zoned = from.kind() == TypeKind::kTimestampLtz;
  const TimeZone& zone = ctx.eval().zone;
  const std::int64_t day = units * text::kSecondsPerDay;
  const bool date = to.kind() == TypeKind::kDate;
  std::int64_t cut = 1;
  for (int digit = 3; digit > to.precision(); --digit) cut *= 10;
  return map_unary<std::int32_t, std::int64_t>(ctx, column, to, [=, &zone](std::int64_t value) {
    const std::int64_t local = zoned ? zone.to_local(value, units) : value;
    if (date) return static_cast<std::int32_t>(floor_div(local, day));
    const std::int64_t millis = floor_mod(local, day) / (units / 1000);
    return static_cast<std::int32_t>(millis - millis % cut);
  });
}

ColumnPtr time_to_time(const KernelContext& ctx, const Column& column, const Type& to) {
  std::int32_t cut = 1;
  for (int digit = 3; digit > to.precision(); --digit) cut *= 10;
  return map_unary<std::int32_t, std::int32_t>(
      ctx, column, to, [cut](std::int32_t value) { return value - value % cut; });
}

}  // namespace

std::optional<std::int64_t> change_units(std::int64_t value, std::int64_t from_per_second,
                                         std::int64_t to_per_second) {
  if (from_per_second >= to_per_second) return floor_div(value, from_per_second / to_per_second);
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(value, to_per_second / from_per_second, &scaled)) return std::nullopt;
  return scaled;
}

ColumnPtr cast_time(KernelContext& ctx, const ColumnPtr& column, const Type& to) {
  if (to.is_timestamp()) return to_timestamp(ctx, *column, to);
  if (column->type().is_timestamp()) return to_date_or_time(ctx, *column, to);
  return time_to_time(ctx, *column, to);
}

}  // namespace slipstream::expr
