#include "format/json_value.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <absl/strings/escaping.h>

#include "data/text/number.h"
#include "data/text/temporal.h"

namespace slipstream::format {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A whole number that fills the token; the usual case.
template <typename T>
bool append_whole(std::string_view token, ColumnBuilder& out) {
  T value = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()) return false;
  out.append(value);
  return true;
}

// INT and BIGINT cut a fraction off (1.5 is 1), as Flink does.
template <typename T>
bool append_integer(std::string_view token, bool cut_fraction, ColumnBuilder& out) {
  const std::size_t digits = token.front() == '-' ? 1 : 0;
  const bool leading_zero =
      token.size() > digits + 1 && token[digits] == '0' && is_digit(token[digits + 1]);
  if (leading_zero) return false;
  if (append_whole<T>(token, out)) return true;
  if (!cut_fraction || !is_json_number(token) ||
      token.find_first_of(".eE") == std::string_view::npos)
    return false;
  const double value =
      std::trunc(text::parse_double(token).value_or(std::numeric_limits<double>::quiet_NaN()));
  // 2^digits is exact as a double; the greatest T is not.
  const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (!(value >= -limit && value < limit)) return false;
  out.append(static_cast<T>(value));
  return true;
}

template <typename T>
bool append_integer_text(std::string_view content, ColumnBuilder& out) {
  content = text::trim(content);
  if (content.size() > 1 && content[0] == '+' && is_digit(content[1])) content.remove_prefix(1);
  return append_whole<T>(content, out);
}

template <typename T>
bool append_optional(const std::optional<T>& value, ColumnBuilder& out) {
  if (!value) return false;
  out.append(*value);
  return true;
}

bool append_boolean_text(std::string_view content, ColumnBuilder& out) {
  content = text::trim(content);
  if (content.size() != 4 && content.size() != 5) return false;
  return append_optional(text::parse_boolean(content).has_value()
                             ? std::optional<std::uint8_t>(*text::parse_boolean(content) ? 1 : 0)
                             : std::nullopt,
                         out);
}

bool append_base64(std::string_view content, ColumnBuilder& out) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(content.data(), content.size()), &bytes))
    return false;
  out.append_text(bytes);
  return true;
}

std::optional<std::int32_t> parse_day(std::string_view content) {
  if (content.size() != 10) return std::nullopt;  // ISO_LOCAL_DATE: two digits for month and day
  return text::parse_date(content);
}

std::optional<std::int32_t> parse_clock(std::string_view content, int precision) {
  if (content.size() < 8 || content[2] != ':') return std::nullopt;  // HH:mm:ss
  return text::parse_time(content, precision);
}

}  // namespace

bool is_json_number(std::string_view token) {
  std::size_t at = 0;
  const auto digits = [&token, &at] {
    const std::size_t begin = at;
    while (at < token.size() && is_digit(token[at])) ++at;
    return at - begin;
  };
  if (at < token.size() && token[at] == '-') ++at;
  const bool zero = at < token.size() && token[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < token.size() && token[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == token.size();
}

bool append_json_literal(std::string_view token, ColumnBuilder& out) {
  const Type& type = out.type();
  if (type.kind() == TypeKind::kBoolean) {
    if (token != "true" && token != "false") return false;
    out.append(static_cast<std::uint8_t>(token == "true"));
    return true;
  }
  if (!is_digit(token.front()) && token.front() != '-') return false;
  switch (type.kind()) {
    case TypeKind::kTinyInt:
      return append_integer<std::int8_t>(token, false, out);
    case TypeKind::kSmallInt:
      return append_integer<std::int16_t>(token, false, out);
    case TypeKind::kInt:
    case TypeKind::kIntervalYearMonth:
      return append_integer<std::int32_t>(token, true, out);
    case TypeKind::kBigInt:
    case TypeKind::kIntervalDayTime:
      return append_integer<std::int64_t>(token, true, out);
    case TypeKind::kFloat:
      return is_json_number(token) && append_optional(text::parse_float(token), out);
    case TypeKind::kDouble:
      return is_json_number(token) && append_optional(text::parse_double(token), out);
    case TypeKind::kDecimal:
      return is_json_number(token) &&
             append_optional(text::parse_decimal(token, type.precision(), type.scale()), out);
    default:
      return false;
  }
}

bool append_json_text(std::string_view content, bool iso_timestamps, ColumnBuilder& out) {
  const Type& type = out.type();
  const text::TimestampForm& form = iso_timestamps ? text::kIsoForm : text::kSqlForm;
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return append_boolean_text(content, out);
    case TypeKind::kTinyInt:
      return append_integer_text<std::int8_t>(content, out);
    case TypeKind::kSmallInt:
      return append_integer_text<std::int16_t>(content, out);
    case TypeKind::kInt:
    case TypeKind::kIntervalYearMonth:
      return append_integer_text<std::int32_t>(content, out);
    case TypeKind::kBigInt:
    case TypeKind::kIntervalDayTime:
      return append_integer_text<std::int64_t>(content, out);
    case TypeKind::kFloat:
      return append_optional(text::parse_float(content), out);
    case TypeKind::kDouble:
      return append_optional(text::parse_double(content), out);
    case TypeKind::kDecimal:
      return append_optional(text::parse_decimal(content, type.precision(), type.scale()), out);
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return append_base64(content, out);
    case TypeKind::kDate:
      return append_optional(parse_day(content), out);
    case TypeKind::kTime:
      return append_optional(parse_clock(content, type.precision()), out);
    case TypeKind::kTimestamp:
      return append_optional(text::parse_timestamp_as(form, content, type.precision()), out);
    case TypeKind::kTimestampLtz:
      return append_optional(text::parse_instant_as(form, content, type.precision()), out);
    default:
      return false;
  }
}

}  // namespace slipstream::format
