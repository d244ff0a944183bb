#include "expr/time_unit.h"

#include <array>
#include <string>
#include <utility>

namespace slipstream::expr {

std::optional<TimeUnit> time_unit(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, TimeUnit>, 21> kNames = {{
      {"NANOSECOND", TimeUnit::kNanosecond},
      {"MICROSECOND", TimeUnit::kMicrosecond},
      {"MILLISECOND", TimeUnit::kMillisecond},
      {"SECOND", TimeUnit::kSecond},
      {"MINUTE", TimeUnit::kMinute},
      {"HOUR", TimeUnit::kHour},
      {"DAY", TimeUnit::kDay},
      {"WEEK", TimeUnit::kWeek},
      {"MONTH", TimeUnit::kMonth},
      {"QUARTER", TimeUnit::kQuarter},
      {"YEAR", TimeUnit::kYear},
      {"DECADE", TimeUnit::kDecade},
      {"CENTURY", TimeUnit::kCentury},
      {"MILLENNIUM", TimeUnit::kMillennium},
      {"DOW", TimeUnit::kDayOfWeek},
      {"DAYOFWEEK", TimeUnit::kDayOfWeek},
      {"ISODOW", TimeUnit::kIsoDayOfWeek},
      {"DOY", TimeUnit::kDayOfYear},
      {"DAYOFYEAR", TimeUnit::kDayOfYear},
      {"ISOYEAR", TimeUnit::kIsoYear},
      {"EPOCH", TimeUnit::kEpoch},
  }};
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  std::string_view wanted = upper;
  if (wanted.starts_with("SQL_TSI_")) wanted.remove_prefix(8);
  for (const auto& [known, unit] : kNames) {
    if (wanted == known || (wanted.ends_with('S') && wanted.substr(0, wanted.size() - 1) == known))
      return unit;
  }
  return std::nullopt;
}

std::int64_t months_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMonth:
      return 1;
    case TimeUnit::kQuarter:
      return 3;
    case TimeUnit::kYear:
      return 12;
    case TimeUnit::kDecade:
      return 120;
    case TimeUnit::kCentury:
      return 1200;
    case TimeUnit::kMillennium:
      return 12000;
    default:
      return 0;
  }
}

std::int64_t millis_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillisecond:
      return 1;
    case TimeUnit::kSecond:
      return 1000;
    case TimeUnit::kMinute:
      return 60'000;
    case TimeUnit::kHour:
      return 3'600'000;
    case TimeUnit::kDay:
      return text::kMillisPerDay;
    case TimeUnit::kWeek:
      return 7 * text::kMillisPerDay;
    default:
      return 0;
  }
}

std::int64_t local_units(const Type& type) {
  return type.is_timestamp() ? type.units_per_second() : 1000;
}

std::int64_t local_value(const Column& column, std::size_t row, const TimeZone& zone) {
  const Type& type = column.type();
  switch (type.kind()) {
    case TypeKind::kDate:
      return column.data<std::int32_t>()[row] * text::kMillisPerDay;
    case TypeKind::kTime:
      return column.data<std::int32_t>()[row];
    case TypeKind::kTimestampLtz:
      return zone.to_local(column.data<std::int64_t>()[row], type.units_per_second());
    default:
      return column.data<std::int64_t>()[row];
  }
}

}  // namespace slipstream::expr
