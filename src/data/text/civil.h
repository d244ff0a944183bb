// Civil calendar arithmetic: proleptic Gregorian, as Java's LocalDate. Right before 1970 and for
// any year.
#pragma once

#include <cstdint>

namespace slipstream::text {

inline constexpr std::int64_t kSecondsPerDay = 86'400;
inline constexpr std::int64_t kMillisPerDay = 86'400'000;

struct CivilDate {
  std::int64_t year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
};

// A time zone's or UTC's wall clock.
struct CivilTime {
  CivilDate date;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int32_t nanos = 0;
};

// Rounds towards minus infinity; the remainder has the sign of the divisor.
inline constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - static_cast<std::int64_t>(value % by < 0);
}
inline constexpr std::int64_t floor_mod(std::int64_t value, std::int64_t by) {
  return value - floor_div(value, by) * by;
}

bool is_leap_year(std::int64_t year);
int days_in_month(std::int64_t year, int month);
// Days since 1970-01-01. REQUIRES: 1 <= month <= 12
std::int64_t days_from_civil(std::int64_t year, int month, int day);
CivilDate civil_from_days(std::int64_t days);
// 0 = Sunday .. 6 = Saturday
int day_of_week(std::int64_t days);
int day_of_year(const CivilDate& date);  // 1..366
// ISO 8601: weeks start on Monday, week 1 has the first Thursday.
struct IsoWeek {
  std::int64_t year;
  int week;  // 1..53
};
IsoWeek iso_week(std::int64_t days);

// `units_per_second`: 1'000, 1'000'000 or 1'000'000'000 (Type::units_per_second).
CivilTime civil_from_timestamp(std::int64_t value, std::int64_t units_per_second);
std::int64_t timestamp_from_civil(const CivilTime& time, std::int64_t units_per_second);

// The date moved by whole months; a day that the month lacks becomes its last day.
std::int64_t add_months(std::int64_t days, std::int64_t months);

}  // namespace slipstream::text
