#include "data/text/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/try.h"

namespace slipstream::text {

namespace {

constexpr int kMaxDigits = 38;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view text, std::string_view lower_word) {
  if (text.size() != lower_word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower_word[i]) return false;
  }
  return true;
}

// Digits "d[ddd]" with the decimal exponent of the first one, from std::to_chars' shortest
// scientific form.
struct Shortest {
  std::array<char, 20> digits;
  int count = 0;
  int exponent = 0;
  bool negative = false;
};

template <typename T>
Shortest shortest(T value) {
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  Shortest result;
  const char* at = buffer.data();
  if (*at == '-') {
    result.negative = true;
    ++at;
  }
  for (; at != end.ptr && *at != 'e'; ++at) {
    if (is_digit(*at)) result.digits[static_cast<std::size_t>(result.count++)] = *at;
  }
  ++at;
  if (at < end.ptr && *at == '+') ++at;
  std::from_chars(at, end.ptr, result.exponent);
  return result;
}

// Numbers of up to four decimal places, as prices are. Of all decimals of at most 15 digits only
// one reads back as `value`, so the one found here is the shortest. False and nothing appended for
// others.
bool append_places(double value, std::string& out) {
  constexpr std::int64_t kScale = 10'000;
  const double magnitude = std::fabs(value);
  if (!(magnitude >= 1e-3 && magnitude < 1e7)) return false;
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): what is not met exactly is refused
  const auto scaled = static_cast<std::int64_t>(magnitude * kScale + 0.5);
  if (static_cast<double>(scaled) / kScale != magnitude) return false;
  std::array<char, 24> buffer;
  char* at = buffer.data();
  if (value < 0) *at++ = '-';
  at = std::to_chars(at, buffer.data() + buffer.size(), scaled / kScale).ptr;
  *at++ = '.';
  std::int64_t places = scaled % kScale;
  do {
    *at++ = static_cast<char>('0' + places / 1'000);
    places = places % 1'000 * 10;
  } while (places != 0);
  out.append(buffer.data(), static_cast<std::size_t>(at - buffer.data()));
  return true;
}

template <typename T>
void append_floating(T value, std::string& out) {
  if constexpr (sizeof(T) == sizeof(double)) {
    if (append_places(value, out)) return;
  }
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0.0" : "0.0";
    return;
  }
  const Shortest parts = shortest(value);
  const std::string_view digits(parts.digits.data(), static_cast<std::size_t>(parts.count));
  if (parts.negative) out += '-';
  if (parts.exponent < -3 || parts.exponent >= 7) {
    out += digits[0];
    out += '.';
    out += digits.size() > 1 ? digits.substr(1) : std::string_view("0");
    out += 'E';
    append_integer(parts.exponent, out);
    return;
  }
  if (parts.exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-parts.exponent - 1), '0');
    out += digits;
    return;
  }
  const auto whole = static_cast<std::size_t>(parts.exponent) + 1;
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
    out += ".0";
    return;
  }
  out += digits.substr(0, whole);
  out += '.';
  out += digits.substr(whole);
}

// Java takes a type suffix and names of its own; std::from_chars takes other names.
template <typename T>
std::optional<T> parse_floating(std::string_view text) {
  text = trim(text);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "NaN") return std::numeric_limits<T>::quiet_NaN();
  if (text == "Infinity")
    return negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  if (text.size() > 1) {
    const char last = lower(text.back());
    if (last == 'd' || last == 'f') text.remove_suffix(1);
  }
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.')) return std::nullopt;
  T value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) {
    // Too large or too small: infinity or zero, as in Java.
    const double wide = std::strtod(std::string(text).c_str(), nullptr);
    value = static_cast<T>(wide);
  } else if (parsed.ec != std::errc()) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

// Digits and exponent of "-12.5e3" without leading zeros.
struct DecimalText {
  bool negative = false;
  std::string digits;
  std::int64_t scale = 0;  // value = digits * 10^-scale
};

// "e+12"; nothing else may follow.
std::optional<std::int32_t> exponent_of(std::string_view text) {
  if (lower(text.front()) != 'e') return std::nullopt;
  text.remove_prefix(1);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int32_t exponent = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return exponent;
}

std::optional<DecimalText> split_decimal(std::string_view text) {
  DecimalText result;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) result.negative = text[at++] == '-';
  bool point = false;
  bool any = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !point) {
      point = true;
    } else if (is_digit(text[at])) {
      any = true;
      if (point) ++result.scale;
      if (!result.digits.empty() || text[at] != '0') result.digits += text[at];
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    const auto exponent = exponent_of(text.substr(at));
    if (!exponent) return std::nullopt;
    result.scale -= *exponent;
  }
  return result;
}

std::optional<Int128> fit_decimal(const DecimalText& number, int precision, int scale) {
  if (number.digits.empty()) return Int128{0};
  // Keep `kept` digits, round by the next one, append zeros if the scale wants more.
  const auto count = static_cast<std::int64_t>(number.digits.size());
  const std::int64_t kept = count - number.scale + scale;
  if (kept > precision) return std::nullopt;
  if (kept < 0) return Int128{0};
  Int128 value = 0;
  for (std::int64_t i = 0; i < kept; ++i) {
    value = value * 10 + (i < count ? number.digits[static_cast<std::size_t>(i)] - '0' : 0);
  }
  if (kept < count && number.digits[static_cast<std::size_t>(kept)] >= '5') value += 1;
  if (value >= power_of_ten(precision)) return std::nullopt;
  return number.negative ? -value : value;
}

// The common case without allocation: up to 18 digits, no exponent, scale not above the wanted one.
bool parse_short_decimal(std::string_view text, int precision, int scale, Int128& out) {
  if (text.empty() || text.size() > 18) return false;
  std::size_t at = 0;
  const bool negative = text[0] == '-';
  if (negative) ++at;
  if (at == text.size()) return false;
  std::int64_t value = 0;
  int fraction = -1;
  bool any = false;
  for (; at < text.size(); ++at) {
    if (is_digit(text[at])) {
      value = value * 10 + (text[at] - '0');
      any = true;
      if (fraction >= 0) ++fraction;
    } else if (text[at] == '.' && fraction < 0) {
      fraction = 0;
    } else {
      return false;
    }
  }
  if (fraction < 0) fraction = 0;
  if (!any || fraction > scale || scale - fraction > 18) return false;
  const Int128 scaled = static_cast<Int128>(value) * power_of_ten(scale - fraction);
  if (scaled >= power_of_ten(precision)) return false;
  out = negative ? -scaled : scaled;
  return true;
}

constexpr std::array<Int128, kMaxDigits + 1> make_powers() {
  std::array<Int128, kMaxDigits + 1> powers{};
  Int128 power = 1;
  for (int i = 0; i <= kMaxDigits; ++i) {
    powers[static_cast<std::size_t>(i)] = power;
    if (i < kMaxDigits) power *= 10;
  }
  return powers;
}

constexpr std::array<Int128, kMaxDigits + 1> kPowers = make_powers();

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Int128 power_of_ten(int exponent) { return kPowers[static_cast<std::size_t>(exponent)]; }

void append_integer(std::int64_t value, std::string& out) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
}

void append_double(double value, std::string& out) { append_floating(value, out); }

void append_float(float value, std::string& out) { append_floating(value, out); }

void append_decimal(Int128 unscaled, int scale, std::string& out) {
  __extension__ using Unsigned128 = unsigned __int128;
  const bool negative = unscaled < 0;
  Unsigned128 rest =
      negative ? -static_cast<Unsigned128>(unscaled) : static_cast<Unsigned128>(unscaled);
  std::array<char, 48> buffer;
  char* at = buffer.data() + buffer.size();
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale != 0) *--at = '.';
    if (rest <= std::numeric_limits<std::uint64_t>::max()) {
      const auto small = static_cast<std::uint64_t>(rest);
      *--at = static_cast<char>('0' + small % 10);
      rest = small / 10;
    } else {
      *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
      rest /= 10;
    }
    ++written;
  }
  if (negative) *--at = '-';
  out.append(at, static_cast<std::size_t>(buffer.data() + buffer.size() - at));
}

void append_boolean(bool value, std::string& out) { out += value ? "TRUE" : "FALSE"; }

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low,
                                          std::int64_t high) {
  text = trim(text);
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos) {
    for (const char c : text.substr(point + 1)) {
      if (!is_digit(c)) return std::nullopt;
    }
    text = text.substr(0, point);
    if (text.empty() || text == "+" || text == "-") return 0;
  }
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return std::nullopt;
  }
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (value < low || value > high) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) { return parse_floating<double>(text); }

std::optional<float> parse_float(std::string_view text) { return parse_floating<float>(text); }

std::optional<Int128> parse_decimal(std::string_view text, int precision, int scale) {
  text = trim(text);
  Int128 value = 0;
  if (parse_short_decimal(text, precision, scale, value)) return value;
  const std::optional<DecimalText> number = split_decimal(text);
  if (!number) return std::nullopt;
  return fit_decimal(*number, precision, scale);
}

std::optional<bool> parse_boolean(std::string_view text) {
  for (const std::string_view word : {"true", "t", "yes", "y", "1"}) {
    if (equals_ignoring_case(text, word)) return true;
  }
  for (const std::string_view word : {"false", "f", "no", "n", "0"}) {
    if (equals_ignoring_case(text, word)) return false;
  }
  return std::nullopt;
}

std::optional<Int128> rescale(Int128 unscaled, int from_scale, int precision, int to_scale) {
  const bool negative = unscaled < 0;
  Int128 value = negative ? -unscaled : unscaled;
  if (to_scale > from_scale) {
    const Int128 factor = power_of_ten(to_scale - from_scale);
    if (value >= power_of_ten(kMaxDigits) / factor + 1) return std::nullopt;
    value *= factor;
  } else if (to_scale < from_scale) {
    const Int128 divisor = power_of_ten(from_scale - to_scale);
    const Int128 remainder = value % divisor;
    value /= divisor;
    if (remainder >= divisor - remainder) value += 1;
  }
  if (value >= power_of_ten(precision)) return std::nullopt;
  return negative ? -value : value;
}

std::optional<Int128> decimal_from_double(double value, int precision, int scale) {
  if (!std::isfinite(value)) return std::nullopt;
  if (value == 0) return Int128{0};
  const Shortest parts = shortest(value);
  DecimalText number;
  number.negative = parts.negative;
  number.digits.assign(parts.digits.data(), static_cast<std::size_t>(parts.count));
  number.scale = parts.count - 1 - parts.exponent;
  return fit_decimal(number, precision, scale);
}

double decimal_to_double(Int128 unscaled, int scale) {
  if (unscaled >= -(Int128{1} << 53) && unscaled <= (Int128{1} << 53) && scale <= 22) {
    return static_cast<double>(unscaled) /
           static_cast<double>(power_of_ten(scale));  // both exact: one rounding
  }
  std::string digits;
  append_decimal(unscaled, scale, digits);
  return *parse_double(digits);
}

}  // namespace slipstream::text
