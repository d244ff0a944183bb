#include "expr/one_row.h"

#include <cstdint>
#include <vector>

#include "data/serialize.h"
#include "data/text/value.h"

namespace slipstream::expr {

ColumnPtr one_null(const Type& type) { return all_null(type, 1); }

ColumnPtr one_text(const Type& type, std::string_view text) {
  ColumnBuilder builder(type);
  builder.append_text(text);
  return builder.finish();
}

bool same_value(const Column& a, const Column& b) {
  return same_type(a.type(), b.type()) && value_bytes(a) == value_bytes(b);
}

std::string value_bytes(const Column& column) {
  // encode_row reads shared pointers: this one borrows.
  const ColumnPtr borrowed(ColumnPtr(), &column);
  std::vector<std::uint8_t> bytes;
  encode_row(std::span<const ColumnPtr>(&borrowed, 1), 0, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string value_text(const Column& column) {
  if (column.is_null(0)) return "NULL";
  const Type& type = column.type();
  std::string shown = text::to_text(column, 0);
  if (type.is_numeric() || type.kind() == TypeKind::kBoolean) return shown;
  return "'" + shown + "'";
}

ColumnPtr all_null(const Type& type, std::size_t rows) {
  ColumnBuilder builder(type);
  builder.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) builder.append_null();
  return builder.finish();
}

}  // namespace slipstream::expr
