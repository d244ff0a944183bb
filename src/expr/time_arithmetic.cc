// TIMESTAMPADD and TIMESTAMPDIFF.
#include <cstdint>
#include <optional>
#include <string>

#include "base/try.h"
#include "data/text/civil.h"
#include "expr/arithmetic.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/time_unit.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

using text::floor_div;
using text::floor_mod;

constexpr std::string_view kUnits =
    "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND";

bool can_add(TimeUnit unit) { return months_of(unit) != 0 || millis_of(unit) != 0; }

std::optional<TimeUnit> constant_unit(const ColumnPtr& unit) {
  if (unit == nullptr || unit->is_null(0)) return std::nullopt;
  const auto known = time_unit(unit->text(0));
  return known && can_add(*known) ? known : std::nullopt;
}

Status check_unit(std::span<const ColumnPtr> constants) {
  if (constant_unit(constants[0])) return {};
  return Error{ErrorCode::kInvalidArgument, "the unit must be one of " + std::string(kUnits)};
}

TimeUnit unit_of(const KernelContext& ctx, const Column& column) {
  if (ctx.selection().empty()) return TimeUnit::kDay;
  return time_unit(column.text(ctx.selection()[0])).value_or(TimeUnit::kDay);
}

// --- TIMESTAMPADD(unit, count, moment) ---

// A DATE moved by hours becomes a TIMESTAMP.
Type moved_type(const Type& moment, TimeUnit unit) {
  if (moment.kind() == TypeKind::kDate && unit <= TimeUnit::kHour) {
    return Type::timestamp(6).with_nullable(moment.nullable());
  }
  return moment;
}

std::optional<std::int64_t> moved(std::int64_t value, const Type& type, TimeUnit unit,
                                  std::int64_t count) {
  std::int64_t distance = 0;
  const std::int64_t months = months_of(unit);
  if (__builtin_mul_overflow(count, months != 0 ? months : millis_of(unit), &distance))
    return std::nullopt;
  // Beyond a few million years calendar arithmetic leaves its range.
  if (months != 0 && (distance > 60'000'000 || distance < -60'000'000)) return std::nullopt;
  return months != 0 ? moved_by_months(value, type, distance)
                     : moved_by_millis(value, type, distance);
}

template <typename T>
ColumnPtr add_rows(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const TimeUnit unit = unit_of(ctx, *args[0]);
  const auto* counts = args[1]->data<std::int64_t>();
  const Column& moment = *args[2];
  const bool widened = moment.type().kind() == TypeKind::kDate && type.is_timestamp();
  FixedResult<T> result(type, ctx.rows());
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    std::int64_t value = moment.type().layout() == Layout::kInt32
                             ? moment.data<std::int32_t>()[row]
                             : moment.data<std::int64_t>()[row];
    if (widened) value *= text::kSecondsPerDay * type.units_per_second();
    const auto sum = moved(value, type, unit, counts[row]);
    if (sum && *sum == static_cast<std::int64_t>(static_cast<T>(*sum)))
      return result.set(row, static_cast<T>(*sum));
    ctx.fail(row, "the result is out of range");
    result.set_null(row);
  });
  return result.finish();
}

Function timestamp_add() {
  Function function;
  function.name = "TIMESTAMPADD";
  function.usage = "TIMESTAMPADD(unit, count, time)";
  function.description = "A time moved by units; a day that the month lacks becomes its last.";
  function.resolve = [usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(auto targets,
               accepted("TIMESTAMPADD", usage,
                        {.accepts = {Accepts::kText, Accepts::kInteger, Accepts::kDateTime},
                         .required = 3,
                         .variadic = false,
                         .result = {}},
                        args));
    return Signature{targets, targets[2].with_nullable(any_nullable(args))};
  };
  function.refine = [](std::span<const ExprPtr> args, const Type& resolved) {
    const auto unit =
        args[0]->kind == ExprKind::kLiteral ? constant_unit(args[0]->literal) : std::nullopt;
    return unit ? moved_type(resolved, *unit) : resolved;
  };
  function.check = check_unit;
  function.kernel = [](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    return type.layout() == Layout::kInt32 ? add_rows<std::int32_t>(ctx, args, type)
                                           : add_rows<std::int64_t>(ctx, args, type);
  };
  return function;
}

// --- TIMESTAMPDIFF(unit, from, to) ---

// The most whole months that `from` can be moved by without passing `to`, both in `units` per
// second: from January 31st to February 29th it is one. Backwards it is the same with the sign
// turned (Flink counts one too many there when the times of day differ).
std::int64_t months_between(std::int64_t from, std::int64_t to, std::int64_t units) {
  if (to < from) return -months_between(to, from, units);
  const std::int64_t day = units * text::kSecondsPerDay;
  const std::int64_t first_day = floor_div(from, day);
  const std::int64_t last_day = floor_div(to, day);
  const text::CivilDate first = text::civil_from_days(first_day);
  const text::CivilDate last = text::civil_from_days(last_day);
  const std::int64_t months = (last.year - first.year) * 12 + last.month - first.month;
  const std::int64_t reached = text::add_months(first_day, months);
  const bool is_short =
      reached > last_day || (reached == last_day && floor_mod(to, day) < floor_mod(from, day));
  return is_short ? months - 1 : months;
}

ColumnPtr diff_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const TimeUnit unit = unit_of(ctx, *args[0]);
  const TimeZone utc;
  FixedResult<std::int32_t> result(type, ctx.rows());
  // Both in microseconds.
  const auto micros = [&](const Column& column, std::size_t row) {
    const std::int64_t units = local_units(column.type());
    const std::int64_t value = local_value(column, row, utc);
    return units > 1'000'000 ? floor_div(value, units / 1'000'000) : value * (1'000'000 / units);
  };
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::int64_t from = micros(*args[1], row);
    const std::int64_t to = micros(*args[2], row);
    const std::int64_t months = months_of(unit);
    std::int64_t distance = 0;
    if (months == 0 && __builtin_sub_overflow(to, from, &distance)) {
      ctx.fail(row, "the distance is out of range");
      return result.set_null(row);
    }
    const std::int64_t count = months != 0 ? months_between(from, to, 1'000'000) / months
                                           : distance / (millis_of(unit) * 1000);
    result.set(row, static_cast<std::int32_t>(count));
  });
  return result.finish();
}

Function timestamp_diff() {
  Function function = ordinary("TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, from, to)",
                               "Whole units from one time to another.",
                               {.accepts = {Accepts::kText, Accepts::kDateTime, Accepts::kDateTime},
                                .required = 3,
                                .variadic = false,
                                .result = Type::integer()},
                               diff_kernel);
  function.check = check_unit;
  return function;
}

}  // namespace

void add_time_arithmetic(Functions& out) {
  out.push_back(timestamp_add());
  out.push_back(timestamp_diff());
}

}  // namespace slipstream::expr
