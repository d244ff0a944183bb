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

}  // namespace

Result<TimeFormat> TimeFormat::compile(std::string_view pattern) {
  TimeFormat format;
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
    if (std::string_view("yuMLdDEaHkhKmsS").find(c) == std::string_view::npos || width > 9) {
      return Error{ErrorCode::kInvalidArgument,
                   "the pattern '" + std::string(pattern) + "' has '" +
                       std::string(pattern.substr(at, end - at)) +
                       "': the letters are y u M L d D E a H k h K m s S, other text "
                       "stands in quotes ('T')"};
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

void TimeFormat::append_part(const Part& part, const CivilTime& time, std::string& out) {
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
      out += part.width == 3 ? name.substr(0, 3) : name;
      return;
    }
    case 'd':
      return append_padded(time.date.day, part.width, out);
    case 'D':
      return append_padded(text::day_of_year(time.date), part.width, out);
    case 'E': {
      const std::int64_t days =
          text::days_from_civil(time.date.year, time.date.month, time.date.day);
      const std::string_view name = kDays[static_cast<std::size_t>(text::day_of_week(days))];
      out += part.width <= 3 ? name.substr(0, 3) : name;
      return;
    }
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
    default:
      return append_padded(hour_of(part.letter, time.hour), part.width, out);
  }
}

void TimeFormat::append(const CivilTime& time, std::string& out) const {
  for (const Part& part : parts_) append_part(part, time, out);
}

// Reads the parts from the left; failure sticks.
class TimeFormat::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void read(const Part& part) {
    if (!ok_) return;
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
          time_.date.month = name(kMonths, part.width == 3 ? 3 : 0) + 1;
        }
        return;
      case 'd':
        time_.date.day = number(part, 1, 31);
        return;
      case 'D':
        day_of_year_ = number(part, 1, 366);
        return;
      case 'E':
        name(kDays, part.width <= 3 ? 3 : 0);
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
        time_.hour = number(part, 0, 23);
    }
  }

  std::optional<CivilTime> result(Leniency leniency) {
    if (!ok_ || (leniency != Leniency::kPrefix && !text_.empty())) return std::nullopt;
    if (hour12_ >= 0) time_.hour = hour12_ + (afternoon_ ? 12 : 0);
    if (day_of_year_ > 0) {
      if (day_of_year_ == 366 && !text::is_leap_year(time_.date.year)) return std::nullopt;
      time_.date =
          text::civil_from_days(text::days_from_civil(time_.date.year, 1, 1) + day_of_year_ - 1);
    }
    const int last = text::days_in_month(time_.date.year, time_.date.month);
    if (time_.date.day > last && leniency == Leniency::kStrict) return std::nullopt;
    time_.date.day = std::min(time_.date.day, last);
    return time_;
  }

 private:
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
    // One letter reads one digit or more; several read exactly as many.
    const std::int64_t value =
        digits(width, width == 1 && !part.fixed ? (high > 99 ? 3 : 2) : width);
    if (value < low || value > high) ok_ = false;
    return ok_ ? static_cast<int>(value) : low;
  }

  void read_year(const Part& part) {
    if (part.width == 2) {
      time_.date.year = 2000 + digits(2, 2);
      return;
    }
    const auto width = static_cast<std::size_t>(part.width);
    time_.date.year = digits(width, part.fixed ? width : 9);
  }

  void read_fraction(int width) {
    std::int64_t value = digits(static_cast<std::size_t>(width), static_cast<std::size_t>(width));
    for (int digit = width; digit < 9; ++digit) value *= 10;
    time_.nanos = static_cast<std::int32_t>(value);
  }

  void read_half() {
    afternoon_ = text_.starts_with("PM");
    if (!afternoon_ && !text_.starts_with("AM")) {
      ok_ = false;
      return;
    }
    text_.remove_prefix(2);
  }

  // The index of the name at the front; the first `cut` letters of it, when not 0.
  template <std::size_t kCount>
  int name(const std::array<std::string_view, kCount>& names, std::size_t cut) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::string_view wanted = cut == 0 ? names[i] : names[i].substr(0, cut);
      if (!text_.starts_with(wanted)) continue;
      text_.remove_prefix(wanted.size());
      return static_cast<int>(i);
    }
    ok_ = false;
    return 0;
  }

  std::string_view text_;
  CivilTime time_;
  int hour12_ = -1;
  int day_of_year_ = 0;
  bool afternoon_ = false;
  bool ok_ = true;
};

std::optional<CivilTime> TimeFormat::parse(std::string_view text, Leniency leniency) const {
  Reader reader(text);
  for (const Part& part : parts_) reader.read(part);
  return reader.result(leniency);
}

}  // namespace slipstream::expr
