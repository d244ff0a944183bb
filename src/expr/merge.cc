#include "expr/merge.h"

#include <algorithm>
#include <cstring>

#include "expr/kernel.h"
#include "expr/one_row.h"

namespace slipstream::expr {

namespace {

void copy_values(std::byte* out, const Column& from, std::span<const std::uint32_t> rows,
                 std::size_t width) {
  const std::byte* in = from.data<std::byte>();
  const auto copy = [&]<std::size_t kWidth>() {
    for (const std::uint32_t row : rows) std::memcpy(out + row * kWidth, in + row * kWidth, kWidth);
  };
  switch (width) {
    case 1:
      return copy.operator()<1>();
    case 2:
      return copy.operator()<2>();
    case 4:
      return copy.operator()<4>();
    case 8:
      return copy.operator()<8>();
    default:
      return copy.operator()<16>();
  }
}

ColumnPtr merge_nested(const Type& type, std::size_t rows, std::span<const ColumnPart> parts) {
  std::vector<const Column*> source(rows, nullptr);
  for (const ColumnPart& part : parts) {
    for (const std::uint32_t row : part.rows) source[row] = part.column.get();
  }
  ColumnBuilder builder(type);
  for (std::size_t row = 0; row < rows; ++row) {
    if (source[row] == nullptr || source[row]->type().kind() == TypeKind::kNull) {
      builder.append_null();
    } else {
      builder.append_from(*source[row], row);
    }
  }
  return builder.finish();
}

// Rows of no part are NULL.
Validity covered_rows(std::size_t rows, std::span<const ColumnPart> parts) {
  Validity validity(rows);
  std::size_t covered = 0;
  for (const ColumnPart& part : parts) covered += part.rows.size();
  if (covered == rows) return validity;
  for (std::size_t row = 0; row < rows; ++row) validity.set_null(row);
  for (const ColumnPart& part : parts) {
    for (const std::uint32_t row : part.rows) validity.set_valid(row);
  }
  return validity;
}

}  // namespace

ColumnPtr merge_parts(const Type& type, std::size_t rows, std::span<const ColumnPart> parts) {
  if (parts.size() == 1 && parts[0].rows.size() == rows &&
      parts[0].column->type().kind() != TypeKind::kNull) {
    return retyped(parts[0].column, type, rows);
  }
  if (type.layout() == Layout::kNested) return merge_nested(type, rows, parts);
  ColumnParts merged;
  merged.type = type;
  merged.size = rows;
  const std::size_t width = layout_width(type.layout());
  merged.values.resize(rows * width);
  Validity validity = covered_rows(rows, parts);
  for (const ColumnPart& part : parts) {
    const bool untyped = part.column->type().kind() == TypeKind::kNull;
    if (!untyped) copy_values(merged.values.data(), *part.column, part.rows, width);
    if (untyped || part.column->may_have_nulls()) {
      for (const std::uint32_t row : part.rows) {
        if (untyped || part.column->is_null(row)) validity.set_null(row);
      }
    }
    for (const BufferPtr& buffer : part.column->buffers()) {
      if (std::find(merged.buffers.begin(), merged.buffers.end(), buffer) == merged.buffers.end()) {
        merged.buffers.push_back(buffer);
      }
    }
  }
  merged.validity = validity.take();
  return std::make_shared<const Column>(std::move(merged));
}

ColumnPtr with_nulls_of(const ColumnPtr& column, const Column& other, std::size_t rows) {
  ColumnParts parts;
  parts.type = column->type();
  parts.size = rows;
  const std::size_t width = layout_width(parts.type.layout());
  parts.values.resize(rows * width);
  if (rows != 0 && width != 0)
    std::memcpy(parts.values.data(), column->data<std::byte>(), rows * width);
  Validity validity(rows);
  validity.add_nulls_of(*column);
  validity.add_nulls_of(other);
  parts.validity = validity.take();
  parts.offsets.assign(column->offsets().begin(), column->offsets().end());
  parts.children = column->children();
  parts.buffers = column->buffers();
  return std::make_shared<const Column>(std::move(parts));
}

}  // namespace slipstream::expr
