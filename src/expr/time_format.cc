#include "expr/time_format.h"

#include <algorithm>
#include <array>

#include "base/try.h"

namespace slipstream::expr {

namespace {

using text::CivilTime;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_padded(std::int64_t value, int width, std::string& out) {
  if (value < 0) {
    out += '-';
    value = -value;
  }
  const std::string digits = std::to_string(value);
  if (digits.size() < static_cast<std::size_t>(width))
    out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

int hour_of(char letter, int hour) {
  switch (letter) {
    case 'k':
      return hour == 0 ? 24 : hour;
    case 'h':
      return hour % 12 == 0 ? 12 : hour % 12;
    case 'K':
      return hour % 12;
    default:
      return hour;
  }
}

bool is_numeric(char letter, int width) {
  return letter != 'E' && letter != 'a' && !((letter == 'M' || letter == 'L') && width > 2);
}

// Week 1 holds January 1st; weeks start on Sunday.
struct Week {
  std::int64_t year;
  std::int64_t week;
};

Week week_of(const text::CivilDate& date) {
  const std::int64_t days = text::days_from_civil(date.year, date.month, date.day);
  const std::int64_t sunday = days - text::day_of_week(days);
  // The week of the next January 1st belongs to the next year.
  const std::int64_t next = text::days_from_civil(date.year + 1, 1, 1);
  if (next - sunday < 7) return {date.year + 1, 1};
  const std::int64_t first = text::days_from_civil(date.year, 1, 1);
  return {date.year, (days - (first - text::day_of_week(first))) / 7 + 1};
}

std::int64_t week_of_month(const text::CivilDate& date) {
  const std::int64_t first = text::days_from_civil(date.year, date.month, 1);
  return (date.day - 1 + text::day_of_week(first)) / 7 + 1;
}

std::int64_t nanos_of_day(const CivilTime& time) {
  return ((time.hour * 60 + time.minute) * 60 + time.second) * std::int64_t{1'000'000'000} +
         time.nanos;
}

constexpr std::string_view kReadLetters = "yuMLdDEaHkhKmsS";
constexpr std::string_view kSimpleLetters = "yuMLdDEaHkhKmsSYwWFG";
constexpr std::string_view kFormatterLetters = "yuMLdDEaHkhKmsSYwWFGQqecnAN";

std::string_view letters(TimeFormat::Dialect dialect, TimeFormat::Use use) {
  if (use == TimeFormat::Use::kRead) return kReadLetters;
  return dialect == TimeFormat::Dialect::kSimple ? kSimpleLetters : kFormatterLetters;
}

std::string spaced(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(1, c).append(1, ' ');
  return out;
}

}  // namespace

Result<TimeFormat> TimeFormat::compile(std::string_view pattern, Dialect dialect, Use use) {
  TimeFormat format;
  format.dialect_ = dialect;
  const auto literal = [&](std::string_view text) {
    if (format.parts_.empty() || format.parts_.back().letter != 0) format.parts_.emplace_back();
    format.parts_.back().literal += text;
  };
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      std::size_t end = at + 1;
      if (pattern.substr(end).starts_with('\'')) {
        literal("'");
        at += 2;
        continue;
      }
      for (; end < pattern.size() && pattern[end] != '\''; ++end) literal(pattern.substr(end, 1));
      if (end >= pattern.size()) {
        return Error{ErrorCode::kInvalidArgument,
                     "the pattern '" + std::string(pattern) + "' has an open quote"};
      }
      at = end + 1;
      continue;
    }
    if (!is_letter(c)) {
      literal(pattern.substr(at, 1));
      ++at;
      continue;
    }
    const std::size_t end = std::min(pattern.find_first_not_of(c, at), pattern.size());
    const auto width = static_cast<int>(end - at);
    if (letters(dialect, use).find(c) == std::string_view::npos || width > 9) {
      return Error{ErrorCode::kInvalidArgument,
                   "the pattern '" + std::string(pattern) + "' has '" +
                       std::string(pattern.substr(at, end - at)) + "': the letters are " +
                       spaced(letters(dialect, use)) + "and other text stands in quotes ('T')"};
    }
    if (!format.parts_.empty() && is_numeric(c, width)) {
      Part& before = format.parts_.back();
      before.fixed = before.letter != 0 && is_numeric(before.letter, before.width);
    }
    format.parts_.push_back(Part{c, width, {}, false});
    at = end;
  }
  return format;
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
void TimeFormat::append_name_or_number(const Part& part, const CivilTime& time,
                                       std::string& out) const {
  const std::int64_t days = text::days_from_civil(time.date.year, time.date.month, time.date.day);
  const int quarter = (time.date.month + 2) / 3;
  switch (part.letter) {
    case 'Y':
      if (part.width == 2) return append_padded(week_of(time.date).year % 100, 2, out);
      return append_padded(week_of(time.date).year, part.width, out);
    case 'w':
      return append_padded(week_of(time.date).week, part.width, out);
    case 'W':
      return append_padded(week_of_month(time.date), part.width, out);
    case 'F':
      // The week of the month here, the day of that week there.
      return append_padded(
          (dialect_ == Dialect::kSimple ? (time.date.day - 1) / 7 : (time.date.day - 1) % 7) + 1,
          part.width, out);
    case 'u':
      return append_padded(text::floor_mod(days + 3, 7) + 1, part.width, out);
    case 'S':
      return append_padded(time.nanos / 1'000'000, part.width, out);
    case 'G':
      if (part.width > 3 && dialect_ == Dialect::kFormatter) {
        out += time.date.year > 0 ? "Anno Domini" : "Before Christ";
      } else {
        out += time.date.year > 0 ? "AD" : "BC";
      }
      return;
    case 'Q':
    case 'q':
      if (part.width <= 2) return append_padded(quarter, part.width, out);
      if (part.width == 3) {
        out.append("Q").append(1, static_cast<char>('0' + quarter));
      } else {
        constexpr std::string_view kQuarters[] = {"1st", "2nd", "3rd", "4th"};
        out.append(kQuarters[quarter - 1]).append(" quarter");
      }
      return;
    case 'n':
      return append_padded(time.nanos, part.width, out);
    case 'A':
      return append_padded(nanos_of_day(time) / 1'000'000, part.width, out);
    case 'N':
      return append_padded(nanos_of_day(time), part.width, out);
    default: {  // E, e, c
      if (part.letter != 'E' && part.width <= 2)
        return append_padded(text::day_of_week(days) + 1, part.width, out);
      const std::string_view name = kDays[static_cast<std::size_t>(text::day_of_week(days))];
      const bool narrow = part.width == 5 && dialect_ == Dialect::kFormatter;
      out += part.width <= 3 ? name.substr(0, 3) : name.substr(0, narrow ? 1 : name.size());
    }
  }
}

void TimeFormat::append_part(const Part& part, const CivilTime& time, std::string& out) const {
  const bool simple = dialect_ == Dialect::kSimple;
  if (simple && (part.letter == 'u' || part.letter == 'S'))
    return append_name_or_number(part, time, out);
  switch (part.letter) {
    case 0:
      out += part.literal;
      return;
    case 'y':
    case 'u':
      if (part.width == 2) return append_padded(text::floor_mod(time.date.year, 100), 2, out);
      return append_padded(time.date.year, part.width, out);
    case 'M':
    case 'L': {
      if (part.width <= 2) return append_padded(time.date.month, part.width, out);
      const std::string_view name = kMonths[static_cast<std::size_t>(time.date.month - 1)];
      const bool narrow = part.width == 5 && !simple;
      out += part.width == 3 ? name.substr(0, 3) : name.substr(0, narrow ? 1 : name.size());
      return;
    }
    case 'd':
      return append_padded(time.date.day, part.width, out);
    case 'D':
      return append_padded(text::day_of_year(time.date), part.width, out);
    case 'a':
      out += time.hour < 12 ? "AM" : "PM";
      return;
    case 'm':
      return append_padded(time.minute, part.width, out);
    case 's':
      return append_padded(time.second, part.width, out);
    case 'S': {
      std::string digits;
      append_padded(time.nanos, 9, digits);
      out += digits.substr(0, static_cast<std::size_t>(part.width));
      return;
    }
    case 'H':
    case 'k':
    case 'h':
    case 'K':
      return append_padded(hour_of(part.letter, time.hour), part.width, out);
    default:
      return append_name_or_number(part, time, out);
  }
}

void TimeFormat::append(const CivilTime& time, std::string& out) const {
  for (const Part& part : parts_) append_part(part, time, out);
}

// Reads the parts from the left; failure sticks.
class TimeFormat::Reader {
 public:
  Reader(std::string_view text, Leniency leniency)
      : text_(text), lenient_(leniency == Leniency::kLenient) {}

  void read(const Part& part) {
    if (!ok_) return;
    if (lenient_ && part.letter == 'u') {
      number(part, 1, 7);  // a weekday: says nothing more than the date
      return;
    }
    switch (part.letter) {
      case 0:
        return expect(part.literal);
      case 'y':
      case 'u':
        return read_year(part);
      case 'M':
      case 'L':
        if (part.width <= 2) {
          time_.date.month = number(part, 1, 12);
        } else {
          time_.date.month = name(kMonths, part.width) + 1;
        }
        return;
      case 'd':
        time_.date.day = number(part, 1, 31);
        return;
      case 'D':
        day_of_year_ = number(part, 1, 366);
        return;
      case 'E':
        name(kDays, std::max(part.width, 3));
        return;
      case 'a':
        return read_half();
      case 'm':
        time_.minute = number(part, 0, 59);
        return;
      case 's':
        time_.second = number(part, 0, 59);
        return;
      case 'S':
        return read_fraction(part.width);
      case 'h':
        hour12_ = number(part, 1, 12) % 12;
        return;
      case 'K':
        hour12_ = number(part, 0, 11);
        return;
      case 'k':
        time_.hour = number(part, 1, 24) % 24;
        return;
      default:
        time_.hour = number(part, 0, 24);
    }
  }

  std::optional<CivilTime> result() {
    if (!ok_ || (!lenient_ && !text_.empty())) return std::nullopt;
    if (hour12_ >= 0) time_.hour = hour12_ + (afternoon_ ? 12 : 0);
    if (lenient_) return carried_over();
    if (day_of_year_ > 0) {
      if (day_of_year_ == 366 && !text::is_leap_year(time_.date.year)) return std::nullopt;
      time_.date =
          text::civil_from_days(text::days_from_civil(time_.date.year, 1, 1) + day_of_year_ - 1);
    }
    const int last = text::days_in_month(time_.date.year, time_.date.month);
    time_.date.day = std::min(time_.date.day, last);
    if (time_.hour < 24) return time_;
    // 24:00 is the end of the day.
    if (time_.minute != 0 || time_.second != 0 || time_.nanos != 0) return std::nullopt;
    return carried_over();
  }

 private:
  CivilTime carried_over() const {
    const std::int64_t month = time_.date.month - 1;
    std::int64_t days = text::days_from_civil(time_.date.year + text::floor_div(month, 12),
                                              static_cast<int>(text::floor_mod(month, 12)) + 1, 1) +
                        time_.date.day - 1;
    if (day_of_year_ > 0) days = text::days_from_civil(time_.date.year, 1, 1) + day_of_year_ - 1;
    const std::int64_t seconds =
        (days * 24 + time_.hour) * 3600 + std::int64_t{time_.minute} * 60 + time_.second;
    CivilTime time = text::civil_from_timestamp(seconds * 1000, 1000);
    time.nanos = time_.nanos;
    return time;
  }

  void skip_blanks() {
    while (lenient_ && (text_.starts_with(' ') || text_.starts_with('\t'))) text_.remove_prefix(1);
  }

  void expect(std::string_view literal) {
    if (!text_.starts_with(literal)) {
      ok_ = false;
      return;
    }
    text_.remove_prefix(literal.size());
  }

  std::int64_t digits(std::size_t least, std::size_t most) {
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; count < most && count < text_.size() && is_digit(text_[count]); ++count) {
      value = value * 10 + (text_[count] - '0');
    }
    if (count < least) ok_ = false;
    text_.remove_prefix(count);
    return value;
  }

  int number(const Part& part, int low, int high) {
    const auto width = static_cast<std::size_t>(part.width);
    if (lenient_) {
      skip_blanks();
      return static_cast<int>(digits(part.fixed ? width : 1, part.fixed ? width : 6));
    }
    // One letter reads one digit or more; several read exactly as many.
    const std::int64_t value =
        digits(width, width == 1 && !part.fixed ? (high > 99 ? 3 : 2) : width);
    if (value < low || value > high) ok_ = false;
    return ok_ ? static_cast<int>(value) : low;
  }

  void read_year(const Part& part) {
    if (lenient_) {
      skip_blanks();
      const std::size_t before = text_.size();
      const auto count = static_cast<std::size_t>(part.width);
      std::int64_t year = digits(part.fixed ? count : 1, part.fixed ? count : 6);
      if (part.width <= 2 && before - text_.size() == 2) year += year < 50 ? 2000 : 1900;
      time_.date.year = year;
      return;
    }
    if (part.width == 2) {
      time_.date.year = 2000 + digits(2, 2);
      return;
    }
    const auto width = static_cast<std::size_t>(part.width);
    time_.date.year = digits(width, part.fixed ? width : 9);
  }

  void read_fraction(int width) {
    if (lenient_) {
      skip_blanks();
      time_.nanos = static_cast<std::int32_t>(digits(1, 3) * 1'000'000);
      return;
    }
    std::int64_t value = digits(static_cast<std::size_t>(width), static_cast<std::size_t>(width));
    for (int digit = width; digit < 9; ++digit) value *= 10;
    time_.nanos = static_cast<std::int32_t>(value);
  }

  // Whether the name stands at the front; in any case when lenient.
  bool at_front(std::string_view name) const {
    if (!lenient_) return text_.starts_with(name);
    if (text_.size() < name.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
      if ((text_[i] | 0x20) != (name[i] | 0x20)) return false;
    }
    return true;
  }

  void read_half() {
    skip_blanks();
    afternoon_ = at_front("PM");
    if (!afternoon_ && !at_front("AM")) {
      ok_ = false;
      return;
    }
    text_.remove_prefix(2);
  }

  // The index of the name at the front: three letters of it for a width of 3, and either when
  // lenient.
  template <std::size_t kCount>
  int name(const std::array<std::string_view, kCount>& names, int width) {
    skip_blanks();
    for (const bool whole : {true, false}) {
      if (!lenient_ && whole != (width > 3)) continue;
      for (std::size_t i = 0; i < kCount; ++i) {
        const std::string_view wanted = whole ? names[i] : names[i].substr(0, 3);
        if (!at_front(wanted)) continue;
        text_.remove_prefix(wanted.size());
        return static_cast<int>(i);
      }
    }
    ok_ = false;
    return 0;
  }

  std::string_view text_;
  bool lenient_;
  CivilTime time_;
  int hour12_ = -1;
  int day_of_year_ = 0;
  bool afternoon_ = false;
  bool ok_ = true;
};

std::optional<CivilTime> TimeFormat::parse(std::string_view text, Leniency leniency) const {
  Reader reader(text, leniency);
  for (const Part& part : parts_) reader.read(part);
  return reader.result();
}

}  // namespace slipstream::expr
