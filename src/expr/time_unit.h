// Units of time by name, and wall-clock readings of columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "slipstream/batch.h"

#include "data/text/civil.h"
#include "data/text/time_zone.h"

namespace slipstream::expr {

enum class TimeUnit : std::uint8_t {
  kNanosecond,
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kDecade,
  kCentury,
  kMillennium,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kIsoYear,
  kEpoch,
};

// "DAY", "days", "SQL_TSI_DAY", "DOW", ...; nothing for another word.
std::optional<TimeUnit> time_unit(std::string_view name);
// Months of MONTH and longer, else 0.
std::int64_t months_of(TimeUnit unit);
// Milliseconds of MILLISECOND up to WEEK, else 0.
std::int64_t millis_of(TimeUnit unit);

// A cell of a DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ column as the wall clock of `zone` shows it,
// in local_units(type) per second since 1970-01-01 00:00.
std::int64_t local_value(const Column& column, std::size_t row, const TimeZone& zone);
std::int64_t local_units(const Type& type);

}  // namespace slipstream::expr
