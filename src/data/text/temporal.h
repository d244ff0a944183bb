// Dates, times, timestamps and intervals as text, by the rules of Flink's CAST.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/text/time_zone.h"

namespace slipstream::text {

void append_date(std::int32_t days, std::string& out);                   // 2024-01-31
void append_time(std::int32_t millis, int precision, std::string& out);  // 23:59:59[.123]
// 2024-01-31 23:59:59[.123456] with exactly `precision` digits; `separator` stands between date and
// time. `value` counts microseconds for a precision up to 6, else nanoseconds (as in columns).
void append_timestamp(std::int64_t value, int precision, std::string& out, char separator = ' ');
void append_interval_year_month(std::int32_t months, std::string& out);  // +1-02
void append_interval_day_time(std::int64_t millis, std::string& out);    // +1 02:03:04.005

// '2024-01-31', '2024-1-5', '2024-01' (first day), '2024'; what follows a blank is ignored.
// Impossible days: none.
std::optional<std::int32_t> parse_date(std::string_view text);
// '23:59:59.123', '23:59'; digits beyond `precision` are cut; at most milliseconds are kept.
std::optional<std::int32_t> parse_time(std::string_view text, int precision);
// '2024-01-31 23:59:59.123456789', '2024-1-5 1:2:3', '2024-01-31'; digits beyond `precision` are
// cut; as in Flink day 29..31 of a shorter month is its last day. No 'T', no zone, no blanks around
// it.
std::optional<std::int64_t> parse_timestamp(std::string_view text, int precision);
// A form of timestamps in messages: two-digit fields, possible days only.
struct TimestampForm {
  char separator = ' ';  // between date and time
  bool seconds_optional = false;
  // 'Z' or '+08:00' must follow and the instant is answered; otherwise none may.
  bool zoned = false;
};
inline constexpr TimestampForm kSqlForm{.separator = ' '};  // 2024-01-31 23:59:59.123
inline constexpr TimestampForm kIsoForm{.separator = 'T',
                                        .seconds_optional = true};  // 2024-01-31T23:59[:59.123]
std::optional<std::int64_t> parse_timestamp_as(const TimestampForm& form, std::string_view text,
                                               int precision);
// The same with 'Z' or an offset behind.
std::optional<std::int64_t> parse_instant_as(TimestampForm form, std::string_view text,
                                             int precision);

}  // namespace slipstream::text
