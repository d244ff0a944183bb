#include "data/text/value.h"

#include <limits>
#include <optional>

#include "data/text/number.h"
#include "data/text/temporal.h"

namespace slipstream::text {

namespace {

constexpr std::size_t kLongestShown = 64;

void nested_to_text(const Column& column, std::size_t row, const TimeZone& zone, std::string& out) {
  const Type& type = column.type();
  if (type.kind() == TypeKind::kRow) {
    out += '(';
    for (std::size_t i = 0; i < column.children().size(); ++i) {
      if (i != 0) out += ", ";
      to_text(*column.children()[i], row, zone, out);
    }
    out += ')';
    return;
  }
  const bool map = type.kind() == TypeKind::kMap;
  const bool braces = type.kind() != TypeKind::kArray;
  out += braces ? '{' : '[';
  const auto begin = static_cast<std::size_t>(column.offsets()[row]);
  const auto end = static_cast<std::size_t>(column.offsets()[row + 1]);
  for (std::size_t at = begin; at < end; ++at) {
    if (at != begin) out += ", ";
    to_text(*column.children()[0], at, zone, out);
    if (!map) continue;
    out += '=';
    to_text(*column.children()[1], at, zone, out);
  }
  out += braces ? '}' : ']';
}

template <typename T>
bool append_parsed(const std::optional<T>& value, ColumnBuilder& out) {
  if (!value) return false;
  out.append(*value);
  return true;
}

template <typename T>
bool parse_integer_into(std::string_view text, ColumnBuilder& out) {
  const auto value =
      parse_integer(text, std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  if (!value) return false;
  out.append(static_cast<T>(*value));
  return true;
}

bool parse_ltz_into(std::string_view text, const TimeZone& zone, ColumnBuilder& out) {
  const auto value = parse_timestamp(text, out.type().precision());
  if (!value) return false;
  out.append(zone.from_local(*value, out.type().units_per_second()));
  return true;
}

void append_padded(std::string_view text, std::size_t missing, char with, ColumnBuilder& out) {
  std::string padded(text);
  padded.append(missing, with);
  out.append_text(padded);
}

bool parse_characters(std::string_view text, ColumnBuilder& out) {
  const Type& type = out.type();
  const auto length = static_cast<std::size_t>(type.precision());
  if (type.is_text()) {
    // A text has at most as many code points as bytes.
    if (text.size() > length) text = first_code_points(text, length);
    if (type.kind() == TypeKind::kChar) {
      const std::size_t points = code_points(text);
      if (points < length) {
        append_padded(text, length - points, ' ', out);
        return true;
      }
    }
  } else {
    text = text.substr(0, length);
    if (type.kind() == TypeKind::kBinary && text.size() < length) {
      append_padded(text, length - text.size(), '\0', out);
      return true;
    }
  }
  out.append_text(text);
  return true;
}

}  // namespace

void to_text(const Column& column, std::size_t row, const TimeZone& zone, std::string& out) {
  if (column.is_null(row)) {
    out += "NULL";
    return;
  }
  const Type& type = column.type();
  switch (type.kind()) {
    case TypeKind::kNull:
      out += "NULL";
      return;
    case TypeKind::kBoolean:
      return append_boolean(column.data<std::uint8_t>()[row] != 0, out);
    case TypeKind::kTinyInt:
      return append_integer(column.data<std::int8_t>()[row], out);
    case TypeKind::kSmallInt:
      return append_integer(column.data<std::int16_t>()[row], out);
    case TypeKind::kInt:
      return append_integer(column.data<std::int32_t>()[row], out);
    case TypeKind::kBigInt:
      return append_integer(column.data<std::int64_t>()[row], out);
    case TypeKind::kFloat:
      return append_float(column.data<float>()[row], out);
    case TypeKind::kDouble:
      return append_double(column.data<double>()[row], out);
    case TypeKind::kDecimal:
      return append_decimal(column.data<Int128>()[row], type.scale(), out);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      out += column.text(row);
      return;
    case TypeKind::kDate:
      return append_date(column.data<std::int32_t>()[row], out);
    case TypeKind::kTime:
      return append_time(column.data<std::int32_t>()[row], type.precision(), out);
    case TypeKind::kTimestamp:
      return append_timestamp(column.data<std::int64_t>()[row], type.precision(), out);
    case TypeKind::kTimestampLtz:
      return append_timestamp(
          zone.to_local(column.data<std::int64_t>()[row], type.units_per_second()),
          type.precision(), out);
    case TypeKind::kIntervalYearMonth:
      return append_interval_year_month(column.data<std::int32_t>()[row], out);
    case TypeKind::kIntervalDayTime:
      return append_interval_day_time(column.data<std::int64_t>()[row], out);
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kRow:
      return nested_to_text(column, row, zone, out);
  }
}

std::string to_text(const Column& column, std::size_t row, const TimeZone& zone) {
  std::string out;
  to_text(column, row, zone, out);
  return out;
}

bool parse(std::string_view text, const TimeZone& zone, ColumnBuilder& out) {
  const Type& type = out.type();
  switch (type.kind()) {
    case TypeKind::kBoolean: {
      const auto value = parse_boolean(text);
      if (!value) return false;
      out.append(static_cast<std::uint8_t>(*value));
      return true;
    }
    case TypeKind::kTinyInt:
      return parse_integer_into<std::int8_t>(text, out);
    case TypeKind::kSmallInt:
      return parse_integer_into<std::int16_t>(text, out);
    case TypeKind::kInt:
      return parse_integer_into<std::int32_t>(text, out);
    case TypeKind::kBigInt:
      return parse_integer_into<std::int64_t>(text, out);
    case TypeKind::kFloat:
      return append_parsed(parse_float(text), out);
    case TypeKind::kDouble:
      return append_parsed(parse_double(text), out);
    case TypeKind::kDecimal:
      return append_parsed(parse_decimal(text, type.precision(), type.scale()), out);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return parse_characters(text, out);
    case TypeKind::kDate:
      return append_parsed(parse_date(text), out);
    case TypeKind::kTime:
      return append_parsed(parse_time(text, type.precision()), out);
    case TypeKind::kTimestamp:
      return append_parsed(parse_timestamp(text, type.precision()), out);
    case TypeKind::kTimestampLtz:
      return parse_ltz_into(text, zone, out);
    default:
      return false;
  }
}

std::string parse_failure(std::string_view text, const Type& type) {
  std::string shown(first_code_points(text, kLongestShown));
  if (shown.size() < text.size()) shown += "...";
  return "'" + shown + "' is no " + type.with_nullable(true).to_string();
}

std::size_t code_points(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1U : 0U;
  return count;
}

std::string_view first_code_points(std::string_view utf8, std::size_t count) {
  std::size_t at = 0;
  for (; at < utf8.size(); ++at) {
    if ((static_cast<unsigned char>(utf8[at]) & 0xC0U) == 0x80U) continue;
    if (count == 0) break;
    --count;
  }
  return utf8.substr(0, at);
}

}  // namespace slipstream::text
