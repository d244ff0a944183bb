#include "data/text/civil.h"

#include <algorithm>

namespace slipstream::text {

namespace {

constexpr std::int64_t kDaysPerEra = 146'097;    // 400 years
constexpr std::int64_t kEpochFromEra = 719'468;  // 0000-03-01 to 1970-01-01

}  // namespace

bool is_leap_year(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in_month(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

// Years are counted from March, so that the leap day is the last one of its year.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  const std::int64_t shifted = month <= 2 ? year - 1 : year;
  const std::int64_t era = floor_div(shifted, 400);
  const std::int64_t year_of_era = shifted - era * 400;
  const std::int64_t month_from_march = (month + 9) % 12;
  const std::int64_t day_of_shifted_year = (153 * month_from_march + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_shifted_year;
  return era * kDaysPerEra + day_of_era - kEpochFromEra;
}

CivilDate civil_from_days(std::int64_t days) {
  const std::int64_t shifted = days + kEpochFromEra;
  const std::int64_t era = floor_div(shifted, kDaysPerEra);
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day + 2) / 153;
  const int month =
      static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  return CivilDate{year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
                   static_cast<int>(day - (153 * month_from_march + 2) / 5 + 1)};
}

int day_of_week(std::int64_t days) { return static_cast<int>(floor_mod(days + 4, 7)); }

int day_of_year(const CivilDate& date) {
  return static_cast<int>(days_from_civil(date.year, date.month, date.day) -
                          days_from_civil(date.year, 1, 1)) +
         1;
}

IsoWeek iso_week(std::int64_t days) {
  // The week belongs to the year of its Thursday.
  const std::int64_t monday = days - floor_mod(days + 3, 7);
  const CivilDate thursday = civil_from_days(monday + 3);
  return IsoWeek{thursday.year, (day_of_year(thursday) - 1) / 7 + 1};
}

namespace {

// Divisions by constants are several times faster than by a variable.
template <std::int64_t kUnits>
CivilTime civil_from(std::int64_t value) {
  const std::int64_t seconds = floor_div(value, kUnits);
  const std::int64_t days = floor_div(seconds, kSecondsPerDay);
  const auto of_day = static_cast<int>(seconds - days * kSecondsPerDay);
  const auto nanos =
      static_cast<std::int32_t>((value - seconds * kUnits) * (1'000'000'000 / kUnits));
  return CivilTime{civil_from_days(days), of_day / 3600, of_day / 60 % 60, of_day % 60, nanos};
}

}  // namespace

CivilTime civil_from_timestamp(std::int64_t value, std::int64_t units_per_second) {
  switch (units_per_second) {
    case 1'000:
      return civil_from<1'000>(value);
    case 1'000'000:
      return civil_from<1'000'000>(value);
    default:
      return civil_from<1'000'000'000>(value);
  }
}

std::int64_t timestamp_from_civil(const CivilTime& time, std::int64_t units_per_second) {
  const std::int64_t days = days_from_civil(time.date.year, time.date.month, time.date.day);
  const std::int64_t seconds =
      days * kSecondsPerDay + time.hour * 3600 + time.minute * 60 + time.second;
  switch (units_per_second) {
    case 1'000:
      return seconds * 1'000 + time.nanos / 1'000'000;
    case 1'000'000:
      return seconds * 1'000'000 + time.nanos / 1'000;
    default:
      return seconds * 1'000'000'000 + time.nanos;
  }
}

std::int64_t add_months(std::int64_t days, std::int64_t months) {
  const CivilDate date = civil_from_days(days);
  const std::int64_t month_number = date.year * 12 + (date.month - 1) + months;
  const std::int64_t year = floor_div(month_number, 12);
  const int month = static_cast<int>(floor_mod(month_number, 12)) + 1;
  return days_from_civil(year, month, std::min(date.day, days_in_month(year, month)));
}

}  // namespace slipstream::text
