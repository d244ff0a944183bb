// EXTRACT and its short forms, FLOOR and CEIL of times to a unit. TIMESTAMP_LTZ is read in the
// session's zone.
#include <cstdint>
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

using text::CivilDate;
using text::floor_div;
using text::floor_mod;

// Years are counted from 1: 2000 ends the 20th century.
std::int64_t period(std::int64_t year, std::int64_t length) {
  return year > 0 ? (year + length - 1) / length : -((-year + length) / length);
}

std::int64_t date_field(std::int64_t days, TimeUnit unit) {
  const CivilDate date = text::civil_from_days(days);
  switch (unit) {
    case TimeUnit::kDay:
      return date.day;
    case TimeUnit::kMonth:
      return date.month;
    case TimeUnit::kQuarter:
      return (date.month + 2) / 3;
    case TimeUnit::kYear:
      return date.year;
    case TimeUnit::kDecade:
      return floor_div(date.year, 10);
    case TimeUnit::kCentury:
      return period(date.year, 100);
    case TimeUnit::kMillennium:
      return period(date.year, 1000);
    case TimeUnit::kWeek:
      return text::iso_week(days).week;
    case TimeUnit::kIsoYear:
      return text::iso_week(days).year;
    case TimeUnit::kDayOfWeek:
      return text::day_of_week(days) + 1;
    case TimeUnit::kIsoDayOfWeek:
      return text::day_of_week(days) == 0 ? 7 : text::day_of_week(days);
    default:
      return text::day_of_year(date);
  }
}

std::int64_t field(std::int64_t local, std::int64_t units, TimeUnit unit) {
  const std::int64_t day = units * text::kSecondsPerDay;
  const std::int64_t clock = floor_mod(local, day);
  switch (unit) {
    case TimeUnit::kHour:
      return clock / (units * 3600);
    case TimeUnit::kMinute:
      return clock / (units * 60) % 60;
    case TimeUnit::kSecond:
      return clock / units % 60;
    case TimeUnit::kMillisecond:
      return clock % units * 1000 / units;
    case TimeUnit::kMicrosecond:
      return clock % units * 1000 / (units / 1000);
    case TimeUnit::kNanosecond:
      return clock % units * (1'000'000'000 / units);
    default:
      return date_field(floor_div(local, day), unit);
  }
}

bool is_clock_unit(TimeUnit unit) { return unit <= TimeUnit::kHour; }

std::optional<TimeUnit> unit_at(std::span<const ColumnPtr> args, std::size_t index,
                                std::size_t row) {
  return time_unit(args[index]->text(row));
}

void extract_rows(KernelContext& ctx, const Column& moment, TimeUnit unit,
                  FixedResult<std::int64_t>& result) {
  const std::int64_t units = local_units(moment.type());
  // EPOCH counts from the instant, not from the wall clock.
  const bool epoch = unit == TimeUnit::kEpoch;
  const TimeZone zone = epoch ? TimeZone() : ctx.eval().zone;
  each_row(ctx, [&](std::size_t row) {
    if (moment.is_null(row)) return result.set_null(row);
    const std::int64_t local = local_value(moment, row, zone);
    result.set(row, epoch ? floor_div(local, units) : field(local, units, unit));
  });
}

// A field of an interval, with its sign: the months of +1-02 are 2, the minutes of -0 01:05 are -5.
std::int64_t interval_field(std::int64_t value, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kYear:
      return value / 12;
    case TimeUnit::kQuarter:
      return value % 12 / 3 + 1;
    case TimeUnit::kMonth:
      return value % 12;
    case TimeUnit::kDay:
      return value / text::kMillisPerDay;
    case TimeUnit::kHour:
      return value / 3'600'000 % 24;
    case TimeUnit::kMinute:
      return value / 60'000 % 60;
    case TimeUnit::kSecond:
      return value / 1000 % 60;
    default:
      return value % 1000;
  }
}

bool is_interval_unit(const Type& interval, TimeUnit unit) {
  if (interval.kind() == TypeKind::kIntervalYearMonth)
    return unit == TimeUnit::kYear || unit == TimeUnit::kQuarter || unit == TimeUnit::kMonth;
  return unit == TimeUnit::kDay || unit == TimeUnit::kHour || unit == TimeUnit::kMinute ||
         unit == TimeUnit::kSecond || unit == TimeUnit::kMillisecond;
}

void extract_intervals(KernelContext& ctx, const Column& interval, TimeUnit unit,
                       FixedResult<std::int64_t>& result) {
  const bool months = interval.type().kind() == TypeKind::kIntervalYearMonth;
  each_row(ctx, [&](std::size_t row) {
    if (interval.is_null(row)) return result.set_null(row);
    if (!is_interval_unit(interval.type(), unit)) {
      ctx.fail(row, "an interval of this kind has no such unit");
      return result.set_null(row);
    }
    result.set(row, interval_field(months ? interval.data<std::int32_t>()[row]
                                          : interval.data<std::int64_t>()[row],
                                   unit));
  });
}

ColumnPtr extract_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  FixedResult<std::int64_t> result(type, ctx.rows());
  if (ctx.selection().empty()) return result.finish();
  const std::size_t first = ctx.selection()[0];
  const auto unit = unit_at(args, 0, first);
  if (!unit) return result.finish();
  if (args[1]->type().is_interval()) {
    extract_intervals(ctx, *args[1], *unit, result);
  } else {
    extract_rows(ctx, *args[1], *unit, result);
  }
  return result.finish();
}

Status check_unit(const ColumnPtr& unit, bool (*fits)(TimeUnit), std::string_view accepted_units) {
  if (unit == nullptr || unit->is_null(0)) {
    return Error{ErrorCode::kInvalidArgument,
                 "the unit must be a word: " + std::string(accepted_units)};
  }
  const auto known = time_unit(unit->text(0));
  if (known && fits(*known)) return {};
  return Error{ErrorCode::kInvalidArgument, "the unit " + std::string(unit->text(0)) +
                                                " is not one of " + std::string(accepted_units)};
}

Function extract() {
  Function function;
  function.name = "EXTRACT";
  function.usage = "EXTRACT(unit FROM time or interval)";
  function.description =
      "A field of a date, time, timestamp or interval: YEAR, MONTH, DAY, HOUR, DOW, WEEK (ISO), "
      "EPOCH, ...";
  function.resolve = [usage = function.usage](std::span<const Type> args) {
    const bool interval = args.size() == 2 && args[1].is_interval();
    return with_parameters(
        "EXTRACT", usage,
        {.accepts = {Accepts::kText, interval ? Accepts::kAny : Accepts::kDateTime},
         .required = 2,
         .variadic = false,
         .result = Type::bigint()})(args);
  };
  function.check = [](std::span<const ColumnPtr> constants) {
    return check_unit(
        constants[0], [](TimeUnit) { return true; },
        "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, "
        "NANOSECOND, DOW, "
        "DOY, ISODOW, ISOYEAR, DECADE, CENTURY, MILLENNIUM, EPOCH");
  };
  function.kernel = extract_kernel;
  return function;
}

Function short_form(const std::string& name, TimeUnit unit, const std::string& description) {
  Function function;
  function.name = name;
  function.usage = name + "(time)";
  function.description = description;
  function.resolve = [name, unit](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(
        auto targets,
        accepted(name, name + "(time)",
                 {.accepts = {Accepts::kDateTime}, .required = 1, .variadic = false, .result = {}},
                 args));
    const bool clock_of_date = is_clock_unit(unit) && targets[0].kind() == TypeKind::kDate;
    const bool date_of_clock = !is_clock_unit(unit) && targets[0].kind() == TypeKind::kTime;
    if (clock_of_date || date_of_clock) return signature_error(name, args, name + "(time)");
    return Signature{targets, Type::bigint().with_nullable(targets[0].nullable())};
  };
  function.kernel = [unit](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    FixedResult<std::int64_t> result(type, ctx.rows());
    extract_rows(ctx, *args[0], unit, result);
    return result.finish();
  };
  return function;
}

// --- FLOOR and CEIL to a unit ---

bool has_floor(TimeUnit unit) { return months_of(unit) != 0 || millis_of(unit) != 0; }

std::int64_t floor_days_to(std::int64_t days, TimeUnit unit) {
  if (unit == TimeUnit::kWeek)
    return days - text::day_of_week(days);  // weeks start on Sunday, as in Flink
  const std::int64_t months = months_of(unit);
  if (months == 0) return days;
  const CivilDate date = text::civil_from_days(days);
  const std::int64_t years = months / 12;
  // Decades begin with 0, centuries and millennia with 1.
  const std::int64_t origin = years >= 100 ? 1 : 0;
  if (years > 0)
    return text::days_from_civil(floor_div(date.year - origin, years) * years + origin, 1, 1);
  return text::days_from_civil(date.year, static_cast<int>((date.month - 1) / months * months + 1),
                               1);
}

std::int64_t next_days(std::int64_t floor, TimeUnit unit) {
  if (unit == TimeUnit::kWeek) return floor + 7;
  const std::int64_t months = months_of(unit);
  return months == 0 ? floor + 1 : text::add_months(floor, months);
}

std::int64_t to_unit(std::int64_t local, std::int64_t units, TimeUnit unit, bool ceil) {
  if (is_clock_unit(unit)) {
    const std::int64_t step = millis_of(unit) * (units / 1000);
    const std::int64_t floor = floor_div(local, step) * step;
    return ceil && floor != local ? floor + step : floor;
  }
  const std::int64_t day = units * text::kSecondsPerDay;
  const std::int64_t floor = floor_days_to(floor_div(local, day), unit);
  return (ceil && floor * day != local ? next_days(floor, unit) : floor) * day;
}

template <bool kCeil>
ColumnPtr to_unit_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  const Column& moment = *args[0];
  const TimeZone& zone = ctx.eval().zone;
  const std::int64_t units = local_units(moment.type());
  const auto rounded = [&](std::size_t row) {
    const auto unit = unit_at(args, 1, row).value_or(TimeUnit::kMillisecond);
    return to_unit(local_value(moment, row, zone), units, unit, kCeil);
  };
  if (type.layout() == Layout::kInt32) {
    const std::int64_t per_cell = type.kind() == TypeKind::kDate ? text::kMillisPerDay : 1;
    FixedResult<std::int32_t> result(type, ctx.rows());
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      std::int64_t value = rounded(row) / per_cell;
      if (type.kind() == TypeKind::kTime) value = floor_mod(value, text::kMillisPerDay);
      result.set(row, static_cast<std::int32_t>(value));
    });
    return result.finish();
  }
  FixedResult<std::int64_t> result(type, ctx.rows());
  const bool zoned = type.kind() == TypeKind::kTimestampLtz;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const std::int64_t local = rounded(row);
    result.set(row, zoned ? zone.from_local(local, units) : local);
  });
  return result.finish();
}

Function to_unit_function(const std::string& name, const std::string& shown, Kernel kernel) {
  Function function;
  function.name = name;
  function.usage = shown + "(time TO unit)";
  function.description = "Rounded to a unit; weeks start on Sunday.";
  function.resolve = [shown,
                      usage = function.usage](std::span<const Type> args) -> Result<Signature> {
    TRY_ASSIGN(auto targets, accepted(shown, usage,
                                      {.accepts = {Accepts::kDateTime, Accepts::kText},
                                       .required = 2,
                                       .variadic = false,
                                       .result = {}},
                                      args));
    return Signature{targets, targets[0]};
  };
  function.check = [](std::span<const ColumnPtr> constants) {
    return check_unit(constants[1], has_floor,
                      "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND, DECADE, "
                      "CENTURY, MILLENNIUM");
  };
  function.kernel = std::move(kernel);
  return function;
}

}  // namespace

void add_time_fields(Functions& out) {
  out.push_back(extract());
  out.push_back(short_form("YEAR", TimeUnit::kYear, "The year."));
  out.push_back(short_form("QUARTER", TimeUnit::kQuarter, "The quarter, 1 to 4."));
  out.push_back(short_form("MONTH", TimeUnit::kMonth, "The month, 1 to 12."));
  out.push_back(short_form("WEEK", TimeUnit::kWeek, "The ISO week, 1 to 53."));
  out.push_back(short_form("DAYOFYEAR", TimeUnit::kDayOfYear, "The day of the year, 1 to 366."));
  out.push_back(short_form("DAYOFMONTH", TimeUnit::kDay, "The day of the month, 1 to 31."));
  out.push_back(
      short_form("DAYOFWEEK", TimeUnit::kDayOfWeek, "The day of the week, 1 (Sunday) to 7."));
  out.push_back(short_form("HOUR", TimeUnit::kHour, "The hour, 0 to 23."));
  out.push_back(short_form("MINUTE", TimeUnit::kMinute, "The minute, 0 to 59."));
  out.push_back(short_form("SECOND", TimeUnit::kSecond, "The second, 0 to 59."));
  out.push_back(to_unit_function("FLOOR_TO", "FLOOR", to_unit_kernel<false>));
  out.push_back(to_unit_function("CEIL_TO", "CEIL", to_unit_kernel<true>));
}

}  // namespace slipstream::expr
