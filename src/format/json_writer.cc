#include "format/json_writer.h"

#include <cmath>

#include <absl/strings/escaping.h>

#include "base/try.h"
#include "data/text/json_string.h"
#include "data/text/number.h"
#include "data/text/temporal.h"

namespace slipstream::format {

namespace {

template <typename T>
void append_floating(T value, std::string& out) {
  const bool quoted = !std::isfinite(value);
  if (quoted) out += '"';
  if constexpr (sizeof(T) == 4) {
    text::append_float(value, out);
  } else {
    text::append_double(value, out);
  }
  if (quoted) out += '"';
}

// "10:00:00.120" -> "10:00:00.12", "10:00:00.000" -> "10:00:00": as many digits as needed.
void cut_fraction(std::size_t begin, std::string& out) {
  if (out.find('.', begin) == std::string::npos) return;
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
}

void append_timestamp(std::int64_t value, const Type& type, bool iso, std::string& out) {
  out += '"';
  const std::size_t begin = out.size();
  text::append_timestamp(value, type.precision(), out, iso ? 'T' : ' ');
  cut_fraction(begin, out);
  if (type.kind() == TypeKind::kTimestampLtz) out += 'Z';
  out += '"';
}

void append_time(std::int32_t millis, std::string& out) {
  out += '"';
  const std::size_t begin = out.size();
  text::append_time(millis, 3, out);
  cut_fraction(begin, out);
  out += '"';
}

void append_base64(std::string_view bytes, std::string& out) {
  out += '"';
  out += absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  out += '"';
}

}  // namespace

Status check_json_type(const Field& field) {
  const Type& type = field.type;
  if (type.kind() == TypeKind::kMultiset) {
    return Error{ErrorCode::kUnsupported, "column '" + field.name + "': JSON cannot hold " +
                                              type.to_string() + ", use ARRAY or MAP"};
  }
  if (type.kind() == TypeKind::kMap && !type.children()[0].type.is_text()) {
    return Error{
        ErrorCode::kUnsupported,
        "column '" + field.name + "': keys of a MAP in JSON are STRING, not " + type.to_string()};
  }
  for (const Field& child : type.children()) {
    const Status checked = check_json_type(child);
    if (!checked.ok()) return checked.with_context("column '" + field.name + "'");
  }
  return {};
}

JsonWriter::Shape JsonWriter::make_shape(const std::vector<Field>& fields, bool row) {
  Shape shape;
  for (const Field& field : fields) {
    if (row) {
      shape.keys.emplace_back(",");
      text::append_json_string(field.name, shape.keys.back());
      shape.keys.back() += ':';
    }
    shape.children.push_back(
        make_shape(field.type.children(), field.type.kind() == TypeKind::kRow));
  }
  return shape;
}

JsonWriter::JsonWriter(const std::vector<Field>& fields, JsonStyle style)
    : style_(std::move(style)), root_(make_shape(fields, true)) {}

// What comes before a nested value and behind the last one is gathered in row_.
Status JsonWriter::append_row(std::span<const ColumnPtr> columns, std::size_t row,
                              std::string& out) {
  row_.clear();
  row_.put('{');
  bool first = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool null = columns[i]->is_null(row);
    if (null && style_.skip_null_fields) continue;
    row_.put(std::string_view(root_.keys[i]).substr(first ? 1 : 0));
    first = false;
    if (null) {
      row_.put("null");
    } else if (columns[i]->children().empty()) {
      put_scalar(*columns[i], row);
    } else {
      out += row_.text();
      row_.clear();
      TRY(append(root_.children[i], *columns[i], row, out));
    }
  }
  row_.put('}');
  out += row_.text();
  return {};
}

void JsonWriter::put_scalar(const Column& column, std::size_t row) {
  if (put_usual(column, row)) return;
  unusual_.clear();
  append_scalar(column, row, unusual_);
  row_.put(unusual_);
}

// False, and nothing put, for values that need more care.
bool JsonWriter::put_usual(const Column& column, std::size_t row) {
  const Type& type = column.type();
  switch (type.kind()) {
    case TypeKind::kInt:
      row_.put_integer(column.data<std::int32_t>()[row]);
      return true;
    case TypeKind::kBigInt:
      row_.put_integer(column.data<std::int64_t>()[row]);
      return true;
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return row_.put_string(column.text(row));
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return row_.put_timestamp(column.data<std::int64_t>()[row], type.precision(),
                                style_.iso_timestamps ? 'T' : ' ',
                                type.kind() == TypeKind::kTimestampLtz ? 'Z' : '\0');
    default:
      return false;
  }
}

Status JsonWriter::append_value(std::size_t index, const Column& column, std::size_t row,
                                std::string& out) const {
  return append(root_.children[index], column, row, out);
}

Status JsonWriter::append_fields(const Shape& shape, std::span<const ColumnPtr> columns,
                                 std::size_t row, std::string& out) const {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (style_.skip_null_fields && columns[i]->is_null(row)) continue;
    out.append(shape.keys[i], first ? 1 : 0);
    first = false;
    TRY(append(shape.children[i], *columns[i], row, out));
  }
  out += '}';
  return {};
}

Status JsonWriter::append_map(const Shape& shape, const Column& column, std::size_t row,
                              std::string& out) const {
  const Column& keys = *column.children()[0];
  out += '{';
  bool first = true;
  for (auto at = static_cast<std::size_t>(column.offsets()[row]);
       at < static_cast<std::size_t>(column.offsets()[row + 1]); ++at) {
    const bool null = keys.is_null(at);
    if (null && style_.null_keys == NullKeyMode::kDrop) continue;
    if (null && style_.null_keys == NullKeyMode::kFail) {
      return Error{ErrorCode::kDataError,
                   "a MAP with a NULL key cannot be written as JSON: set 'map-null-key.mode' to "
                   "DROP or LITERAL"};
    }
    if (!first) out += ',';
    first = false;
    text::append_json_string(null ? std::string_view(style_.null_key) : keys.text(at), out);
    out += ':';
    TRY(append(shape.children[1], *column.children()[1], at, out));
  }
  out += '}';
  return {};
}

// java.math.BigDecimal.toString of the value without trailing zeros, unless plain.
void JsonWriter::append_decimal(Int128 unscaled, int scale, std::string& out) const {
  if (style_.plain_decimals) return text::append_decimal(unscaled, scale, out);
  if (unscaled == 0) {
    out += '0';
    return;
  }
  while (unscaled % 10 == 0) {
    unscaled /= 10;
    --scale;
  }
  std::string digits;
  text::append_decimal(unscaled < 0 ? -unscaled : unscaled, 0, digits);
  const int adjusted = static_cast<int>(digits.size()) - 1 - scale;
  if (scale >= 0 && adjusted >= -6) return text::append_decimal(unscaled, scale, out);
  if (unscaled < 0) out += '-';
  out += digits[0];
  if (digits.size() > 1) {
    out += '.';
    out.append(digits, 1);
  }
  out += adjusted < 0 ? "E" : "E+";
  text::append_integer(adjusted, out);
}

Status JsonWriter::append_array(const Shape& shape, const Column& column, std::size_t row,
                                std::string& out) const {
  const auto begin = static_cast<std::size_t>(column.offsets()[row]);
  out += '[';
  for (std::size_t at = begin; at < static_cast<std::size_t>(column.offsets()[row + 1]); ++at) {
    if (at != begin) out += ',';
    TRY(append(shape.children[0], *column.children()[0], at, out));
  }
  out += ']';
  return {};
}

std::string_view JsonWriter::scalar(const Column& column, std::size_t row) {
  row_.clear();
  put_scalar(column, row);
  return row_.text();
}

void JsonWriter::append_scalar(const Column& column, std::size_t row, std::string& out) const {
  const Type& type = column.type();
  switch (type.kind()) {
    case TypeKind::kBoolean:
      out += column.data<std::uint8_t>()[row] != 0 ? "true" : "false";
      return;
    case TypeKind::kTinyInt:
      return text::append_integer(column.data<std::int8_t>()[row], out);
    case TypeKind::kSmallInt:
      return text::append_integer(column.data<std::int16_t>()[row], out);
    case TypeKind::kInt:
    case TypeKind::kIntervalYearMonth:
      return text::append_integer(column.data<std::int32_t>()[row], out);
    case TypeKind::kBigInt:
    case TypeKind::kIntervalDayTime:
      return text::append_integer(column.data<std::int64_t>()[row], out);
    case TypeKind::kFloat:
      return append_floating(column.data<float>()[row], out);
    case TypeKind::kDouble:
      return append_floating(column.data<double>()[row], out);
    case TypeKind::kDecimal:
      return append_decimal(column.data<Int128>()[row], type.scale(), out);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return text::append_json_string(column.text(row), out);
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return append_base64(column.text(row), out);
    case TypeKind::kDate:
      out += '"';
      text::append_date(column.data<std::int32_t>()[row], out);
      out += '"';
      return;
    case TypeKind::kTime:
      return append_time(column.data<std::int32_t>()[row], out);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return append_timestamp(column.data<std::int64_t>()[row], type, style_.iso_timestamps, out);
    default:
      out += "null";
  }
}

Status JsonWriter::append(const Shape& shape, const Column& column, std::size_t row,
                          std::string& out) const {
  if (column.is_null(row)) {
    out += "null";
    return {};
  }
  switch (column.type().kind()) {
    case TypeKind::kRow:
      return append_fields(shape, column.children(), row, out);
    case TypeKind::kMap:
      return append_map(shape, column, row, out);
    case TypeKind::kArray:
      return append_array(shape, column, row, out);
    default:
      append_scalar(column, row, out);
      return {};
  }
}

}  // namespace slipstream::format
