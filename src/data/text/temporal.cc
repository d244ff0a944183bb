#include "data/text/temporal.h"

#include <algorithm>
#include <array>
#include <limits>

#include "data/text/civil.h"
#include "data/text/number.h"

namespace slipstream::text {

namespace {

char* put_digits(char* at, std::int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return at + width;
}

char* put_two(char* at, int value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
  return at + 2;
}

char* put_date(char* at, const CivilDate& date) {
  std::int64_t year = date.year;
  if (year < 0) {
    *at++ = '-';
    year = -year;
  }
  at = put_digits(at, year, year <= 9999 ? 4 : 6);
  *at++ = '-';
  at = put_two(at, date.month);
  *at++ = '-';
  return put_two(at, date.day);
}

char* put_clock(char* at, int hour, int minute, int second) {
  at = put_two(at, hour);
  *at++ = ':';
  at = put_two(at, minute);
  *at++ = ':';
  return put_two(at, second);
}

char* put_fraction(char* at, std::int32_t nanos, int precision) {
  if (precision <= 0) return at;
  *at++ = '.';
  if (precision <= 3) {
    // The usual case: milliseconds.
    const std::int32_t millis = nanos / 1'000'000;
    const std::array<char, 3> digits = {static_cast<char>('0' + millis / 100),
                                        static_cast<char>('0' + millis / 10 % 10),
                                        static_cast<char>('0' + millis % 10)};
    return std::copy_n(digits.data(), precision, at);
  }
  std::array<char, 9> digits;
  put_digits(digits.data(), nanos, 9);
  return std::copy_n(digits.data(), std::min(precision, 9), at);
}

void append_buffer(const char* begin, const char* end, std::string& out) {
  out.append(begin, static_cast<std::size_t>(end - begin));
}

constexpr std::array<std::int32_t, 10> kPowers = {
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

// Reads fields of a text from the left; failure sticks.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool done() const { return text_.empty(); }
  bool next_is(char c) const { return !text_.empty() && text_.front() == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void want(char c) {
    if (!take(c)) ok_ = false;
  }
  std::int64_t number(std::size_t least, std::size_t most) {
    std::int64_t value = 0;
    std::size_t count = 0;
    while (count < most && count < text_.size() && text_[count] >= '0' && text_[count] <= '9') {
      value = value * 10 + (text_[count++] - '0');
    }
    if (count < least) ok_ = false;
    text_.remove_prefix(count);
    return value;
  }
  int small(std::size_t least, std::size_t most, int low, int high) {
    const std::int64_t value = number(least, most);
    if (value < low || value > high) ok_ = false;
    return static_cast<int>(value);
  }
  // Up to nine digits after a point.
  std::int32_t fraction() {
    std::size_t count = 0;
    std::int32_t value = 0;
    while (count < text_.size() && text_[count] >= '0' && text_[count] <= '9') {
      if (count == 9) {
        ok_ = false;
        return 0;
      }
      value = value * 10 + (text_[count++] - '0');
    }
    text_.remove_prefix(count);
    return value * kPowers[9 - count];
  }
  void fail() { ok_ = false; }

 private:
  std::string_view text_;
  bool ok_ = true;
};

CivilDate scan_date(Scanner& scanner, std::size_t least_digits) {
  CivilDate date;
  date.year = scanner.number(4, 4);
  scanner.want('-');
  date.month = scanner.small(least_digits, 2, 1, 12);
  scanner.want('-');
  date.day = scanner.small(least_digits, 2, 1, 31);
  return date;
}

void scan_clock(Scanner& scanner, CivilTime& time, std::size_t least_digits,
                bool seconds_optional) {
  time.hour = scanner.small(least_digits, 2, 0, 23);
  scanner.want(':');
  time.minute = scanner.small(least_digits, 2, 0, 59);
  if (seconds_optional && !scanner.next_is(':')) return;
  scanner.want(':');
  time.second = scanner.small(least_digits, 2, 0, 59);
  if (scanner.take('.')) time.nanos = scanner.fraction();
}

// Cut to `precision` digits and brought into the unit of a column; none when out of the range of
// nanoseconds.
std::optional<std::int64_t> to_value(CivilTime& time, int precision) {
  if (precision == 3) {
    time.nanos -= time.nanos % 1'000'000;  // the usual case: a division by a constant
  } else if (precision < 9) {
    time.nanos -= time.nanos % kPowers[static_cast<std::size_t>(9 - precision)];
  }
  if (precision > 6 && (time.date.year < 1678 || time.date.year > 2261)) return std::nullopt;
  return timestamp_from_civil(time, precision <= 6 ? 1'000'000 : 1'000'000'000);
}

}  // namespace

void append_date(std::int32_t days, std::string& out) {
  std::array<char, 24> buffer;
  append_buffer(buffer.data(), put_date(buffer.data(), civil_from_days(days)), out);
}

void append_time(std::int32_t millis, int precision, std::string& out) {
  std::array<char, 24> buffer;
  const std::int32_t seconds = millis / 1000;
  char* at = put_clock(buffer.data(), seconds / 3600, seconds / 60 % 60, seconds % 60);
  at = put_fraction(at, (millis % 1000) * 1'000'000, precision);
  append_buffer(buffer.data(), at, out);
}

void append_timestamp(std::int64_t value, int precision, std::string& out, char separator) {
  const CivilTime time = civil_from_timestamp(value, precision <= 6 ? 1'000'000 : 1'000'000'000);
  std::array<char, 48> buffer;
  char* at = put_date(buffer.data(), time.date);
  *at++ = separator;
  at = put_clock(at, time.hour, time.minute, time.second);
  append_buffer(buffer.data(), put_fraction(at, time.nanos, precision), out);
}

void append_interval_year_month(std::int32_t months, std::string& out) {
  const std::int64_t magnitude = months < 0 ? -std::int64_t{months} : months;
  out += months < 0 ? '-' : '+';
  append_integer(magnitude / 12, out);
  out += '-';
  std::array<char, 2> digits;
  append_buffer(digits.data(), put_digits(digits.data(), magnitude % 12, 2), out);
}

void append_interval_day_time(std::int64_t millis, std::string& out) {
  const bool negative = millis < 0;
  const std::uint64_t magnitude =
      negative ? 0 - static_cast<std::uint64_t>(millis) : static_cast<std::uint64_t>(millis);
  out += negative ? '-' : '+';
  append_integer(static_cast<std::int64_t>(magnitude / 86'400'000), out);
  out += ' ';
  append_time(static_cast<std::int32_t>(magnitude % 86'400'000), 3, out);
}

std::optional<std::int32_t> parse_date(std::string_view text) {
  text = trim(text);
  text = text.substr(0, text.find(' '));
  Scanner scanner(text);
  CivilDate date;
  date.year = scanner.number(1, 4);
  if (!scanner.done()) {
    scanner.want('-');
    date.month = scanner.small(1, 2, 1, 12);
  }
  if (!scanner.done()) {
    scanner.want('-');
    date.day = scanner.small(1, 2, 1, 31);
  }
  if (!scanner.ok() || !scanner.done() || date.day > days_in_month(date.year, date.month))
    return std::nullopt;
  return static_cast<std::int32_t>(days_from_civil(date.year, date.month, date.day));
}

std::optional<std::int32_t> parse_time(std::string_view text, int precision) {
  Scanner scanner(trim(text));
  CivilTime time;
  if (text.find(':') == std::string_view::npos) {
    time.hour = scanner.small(1, 2, 0, 23);
  } else {
    scan_clock(scanner, time, 1, true);
  }
  if (!scanner.ok() || !scanner.done()) return std::nullopt;
  std::int32_t unit = 1;
  for (int digit = 3; digit > precision; --digit) unit *= 10;
  const std::int32_t millis = time.nanos / 1'000'000;
  return (time.hour * 3600 + time.minute * 60 + time.second) * 1000 + millis - millis % unit;
}

std::optional<std::int64_t> parse_timestamp(std::string_view text, int precision) {
  Scanner scanner(text);
  CivilTime time;
  time.date = scan_date(scanner, 1);
  if (!scanner.done()) {
    scanner.want(' ');
    scan_clock(scanner, time, 1, false);
  }
  if (!scanner.ok() || !scanner.done()) return std::nullopt;
  time.date.day = std::min(time.date.day, days_in_month(time.date.year, time.date.month));
  return to_value(time, precision);
}

std::optional<std::int64_t> parse_timestamp_as(const TimestampForm& form, std::string_view text,
                                               int precision) {
  Scanner scanner(text);
  CivilTime time;
  time.date = scan_date(scanner, 2);
  scanner.want(form.separator);
  scan_clock(scanner, time, 2, form.seconds_optional);
  std::int64_t offset_seconds = 0;
  if (form.zoned && !scanner.take('Z')) {
    const bool negative = scanner.next_is('-');
    if (!scanner.take('+')) scanner.want('-');
    const int hours = scanner.small(2, 2, 0, 18);
    scanner.take(':');
    const int minutes = scanner.done() ? 0 : scanner.small(2, 2, 0, 59);
    offset_seconds = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
  }
  if (!scanner.ok() || !scanner.done()) return std::nullopt;
  if (time.date.day > days_in_month(time.date.year, time.date.month)) return std::nullopt;
  const std::optional<std::int64_t> value = to_value(time, precision);
  if (!value) return std::nullopt;
  return *value - offset_seconds * (precision <= 6 ? 1'000'000 : 1'000'000'000);
}

std::optional<std::int64_t> parse_instant_as(TimestampForm form, std::string_view text,
                                             int precision) {
  form.zoned = true;
  return parse_timestamp_as(form, text, precision);
}

}  // namespace slipstream::text
