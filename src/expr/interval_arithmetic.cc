#include <cstdint>
#include <limits>

#include "data/text/civil.h"
#include "expr/arithmetic.h"
#include "expr/kernel.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

using text::floor_div;
using text::floor_mod;

constexpr const char* kOutOfRange = "the result is out of range";

bool is_moment(const Type& type) {
  return type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTime || type.is_timestamp();
}

std::int64_t cell(const Column& column, std::size_t row) {
  switch (column.type().layout()) {
    case Layout::kInt8:
      return column.data<std::int8_t>()[row];
    case Layout::kInt16:
      return column.data<std::int16_t>()[row];
    case Layout::kInt32:
      return column.data<std::int32_t>()[row];
    default:
      return column.data<std::int64_t>()[row];
  }
}

std::optional<std::int64_t> in_range_of(const Type& type, std::optional<std::int64_t> value) {
  if (!value || type.layout() != Layout::kInt32) return value;
  if (*value < std::numeric_limits<std::int32_t>::min() ||
      *value > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> sum(Arithmetic op, std::int64_t a, std::int64_t b) {
  std::int64_t value = 0;
  const bool overflow = op == Arithmetic::kSubtract ? __builtin_sub_overflow(a, b, &value)
                                                    : __builtin_add_overflow(a, b, &value);
  return overflow ? std::nullopt : std::optional<std::int64_t>(value);
}

std::optional<std::int64_t> combined(Arithmetic op, const Column& a, const Column& b,
                                     std::size_t row) {
  const std::int64_t left = cell(a, row);
  const std::int64_t right = cell(b, row);
  if (op == Arithmetic::kMultiply) {
    std::int64_t value = 0;
    return __builtin_mul_overflow(left, right, &value) ? std::nullopt
                                                       : std::optional<std::int64_t>(value);
  }
  if (!is_moment(a.type()) && !is_moment(b.type())) return sum(op, left, right);
  const Column& moment = is_moment(a.type()) ? a : b;
  const Column& interval = is_moment(a.type()) ? b : a;
  const std::int64_t value = is_moment(a.type()) ? left : right;
  const std::int64_t distance = is_moment(a.type()) ? right : left;
  if (op == Arithmetic::kSubtract && distance == std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  const std::int64_t by = op == Arithmetic::kSubtract ? -distance : distance;
  return interval.type().kind() == TypeKind::kIntervalYearMonth
             ? moved_by_months(value, moment.type(), by)
             : moved_by_millis(value, moment.type(), by);
}

template <typename T>
ColumnPtr run(Arithmetic op, KernelContext& ctx, std::span<const ColumnPtr> args,
              const Type& type) {
  FixedResult<T> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::optional<std::int64_t> value =
        in_range_of(type, combined(op, *args[0], *args[1], row));
    if (value) return result.set(row, static_cast<T>(*value));
    ctx.fail(row, kOutOfRange);
    result.set_null(row);
  });
  return result.finish();
}

// TIMESTAMP and TIMESTAMP_LTZ moved by milliseconds, the common case (watermarks): one addition per
// row.
ColumnPtr move_timestamps(Arithmetic op, KernelContext& ctx, std::span<const ColumnPtr> args,
                          const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  const auto* left = args[0]->data<std::int64_t>();
  const auto* right = args[1]->data<std::int64_t>();
  const std::int64_t units = type.units_per_second() / 1000;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    std::int64_t distance = 0;
    if (!__builtin_mul_overflow(right[row], units, &distance)) {
      if (const auto value = sum(op, left[row], distance)) return result.set(row, *value);
    }
    ctx.fail(row, kOutOfRange);
    result.set_null(row);
  });
  return result.finish();
}

}  // namespace

std::optional<std::int64_t> moved_by_months(std::int64_t value, const Type& type,
                                            std::int64_t months) {
  if (type.kind() == TypeKind::kTime) return value;
  if (type.kind() == TypeKind::kDate) return text::add_months(value, months);
  const std::int64_t day = text::kSecondsPerDay * type.units_per_second();
  std::int64_t moved = 0;
  if (__builtin_mul_overflow(text::add_months(floor_div(value, day), months), day, &moved))
    return std::nullopt;
  return sum(Arithmetic::kAdd, moved, floor_mod(value, day));
}

std::optional<std::int64_t> moved_by_millis(std::int64_t value, const Type& type,
                                            std::int64_t millis) {
  if (type.kind() == TypeKind::kDate)
    return sum(Arithmetic::kAdd, value, millis / text::kMillisPerDay);
  if (type.kind() == TypeKind::kTime)
    return floor_mod(value + millis % text::kMillisPerDay, text::kMillisPerDay);
  std::int64_t distance = 0;
  if (__builtin_mul_overflow(millis, type.units_per_second() / 1000, &distance))
    return std::nullopt;
  return sum(Arithmetic::kAdd, value, distance);
}

std::optional<Signature> interval_signature(Arithmetic op, const Type& a, const Type& b) {
  const bool nullable = a.nullable() || b.nullable();
  const auto keeping = [&](const Type& result) {
    return Signature{{a, b}, result.with_nullable(nullable)};
  };
  if (op == Arithmetic::kMultiply) {
    if (a.is_interval() && b.is_integer()) return keeping(a);
    if (a.is_integer() && b.is_interval()) return keeping(b);
    return std::nullopt;
  }
  if (op != Arithmetic::kAdd && op != Arithmetic::kSubtract) return std::nullopt;
  if (is_moment(a) && b.is_interval()) return keeping(a);
  if (op == Arithmetic::kAdd && a.is_interval() && is_moment(b)) return keeping(b);
  if (a.is_interval() && a.kind() == b.kind()) return keeping(a);
  return std::nullopt;
}

ColumnPtr interval_kernel(Arithmetic op, KernelContext& ctx, std::span<const ColumnPtr> args,
                          const Type& type) {
  if (args[0]->type().is_timestamp() && args[1]->type().kind() == TypeKind::kIntervalDayTime) {
    return move_timestamps(op, ctx, args, type);
  }
  return type.layout() == Layout::kInt32 ? run<std::int32_t>(op, ctx, args, type)
                                         : run<std::int64_t>(op, ctx, args, type);
}

}  // namespace slipstream::expr
