#include "sql/row_json.h"

#include <cmath>
#include <cstdint>

#include <absl/strings/escaping.h>

#include "data/text/json_string.h"
#include "data/text/value.h"

namespace slipstream::sql {
namespace {

// NOLINTNEXTLINE(readability-function-cognitive-complexity): a flat table
void append_value(const Column& column, std::size_t row, const TimeZone& zone, std::string& out) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  const Type& type = column.type();
  switch (type.kind()) {
    case TypeKind::kBoolean:
      out += column.data<std::uint8_t>()[row] != 0 ? "true" : "false";
      return;
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      const double value =
          type.kind() == TypeKind::kFloat ? column.data<float>()[row] : column.data<double>()[row];
      if (std::isfinite(value))
        text::to_text(column, row, zone, out);
      else
        text::append_json_string(text::to_text(column, row, zone), out);
      return;
    }
    case TypeKind::kArray:
    case TypeKind::kMultiset: {
      out += '[';
      for (std::int32_t i = column.offsets()[row]; i < column.offsets()[row + 1]; ++i) {
        if (i != column.offsets()[row]) out += ',';
        append_value(*column.children()[0], static_cast<std::size_t>(i), zone, out);
      }
      out += ']';
      return;
    }
    case TypeKind::kMap: {
      out += '{';
      for (std::int32_t i = column.offsets()[row]; i < column.offsets()[row + 1]; ++i) {
        if (i != column.offsets()[row]) out += ',';
        text::append_json_string(
            cell_text(*column.children()[0], static_cast<std::size_t>(i), zone), out);
        out += ':';
        append_value(*column.children()[1], static_cast<std::size_t>(i), zone, out);
      }
      out += '}';
      return;
    }
    case TypeKind::kRow: {
      out += '{';
      for (std::size_t i = 0; i < column.children().size(); ++i) {
        if (i != 0) out += ',';
        text::append_json_string(type.children()[i].name, out);
        out += ':';
        append_value(*column.children()[i], row, zone, out);
      }
      out += '}';
      return;
    }
    default:
      if (type.is_numeric())
        text::to_text(column, row, zone, out);
      else
        text::append_json_string(cell_text(column, row, zone), out);
  }
}

}  // namespace

std::string cell_text(const Column& column, std::size_t row, const TimeZone& zone) {
  if (!column.type().is_binary()) return text::to_text(column, row, zone);
  const std::string_view bytes = column.text(row);
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

void append_json_row(const Batch& batch, std::size_t row, const Schema& schema, bool updating,
                     const TimeZone& zone, std::string& out) {
  out += '{';
  if (updating) {
    out += "\"op\":\"";
    out += row_kind_name(batch.kind(row));
    out += '"';
  }
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (i != 0 || updating) out += ',';
    text::append_json_string(schema[i].name, out);
    out += ':';
    append_value(*batch.column(i), row, zone, out);
  }
  out += '}';
}

}  // namespace slipstream::sql
