#include "slipstream/batch.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "base/try.h"
#include "data/lists.h"

namespace slipstream {

namespace {

std::vector<std::uint64_t> take_validity(const Column& column,
                                         std::span<const std::uint32_t> rows) {
  std::vector<std::uint64_t> bits;
  if (!column.may_have_nulls()) return bits;
  bits.assign((rows.size() + 63) / 64, ~std::uint64_t{0});
  bool any_null = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!column.is_null(rows[i])) continue;
    any_null = true;
    bits[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  }
  if (!any_null) bits.clear();
  return bits;
}

template <typename T>
void take_values(const Column& column, std::span<const std::uint32_t> rows, std::byte* out) {
  const std::byte* values = column.data<std::byte>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(out + i * sizeof(T), values + rows[i] * sizeof(T), sizeof(T));
  }
}

void take_fixed(const Column& column, std::span<const std::uint32_t> rows,
                std::vector<std::byte>& values) {
  const std::size_t width = layout_width(column.type().layout());
  values.resize(rows.size() * width);
  switch (width) {
    case 1:
      return take_values<std::uint8_t>(column, rows, values.data());
    case 2:
      return take_values<std::uint16_t>(column, rows, values.data());
    case 4:
      return take_values<std::uint32_t>(column, rows, values.data());
    case 8:
      return take_values<std::uint64_t>(column, rows, values.data());
    default:
      return take_values<Int128>(column, rows, values.data());
  }
}

void take_nested(const Column& column, std::span<const std::uint32_t> rows, ColumnParts& parts) {
  if (!is_list(column.type().kind())) {
    for (const ColumnPtr& child : column.children()) parts.children.push_back(take(*child, rows));
    return;
  }
  std::vector<std::uint32_t> child_rows;
  parts.offsets.push_back(0);
  for (const std::uint32_t row : rows) {
    for (std::int32_t at = column.offsets()[row]; at < column.offsets()[row + 1]; ++at) {
      child_rows.push_back(static_cast<std::uint32_t>(at));
    }
    parts.offsets.push_back(static_cast<std::int32_t>(child_rows.size()));
  }
  for (const ColumnPtr& child : column.children())
    parts.children.push_back(take(*child, child_rows));
}

void collect_buffers(const Column& column, std::unordered_set<const Buffer*>& seen) {
  for (const BufferPtr& buffer : column.buffers()) seen.insert(buffer.get());
  for (const ColumnPtr& child : column.children()) collect_buffers(*child, seen);
}

void append_buffers(ColumnParts& parts, const Column& column) {
  for (const BufferPtr& buffer : column.buffers()) {
    if (parts.buffers.empty() || parts.buffers.back() != buffer) parts.buffers.push_back(buffer);
  }
}

void concat_validity(std::span<const ColumnPtr> columns, ColumnParts& parts) {
  const bool any = std::any_of(columns.begin(), columns.end(),
                               [](const ColumnPtr& column) { return column->may_have_nulls(); });
  if (!any) return;
  parts.validity.assign((parts.size + 63) / 64, ~std::uint64_t{0});
  std::size_t at = 0;
  for (const ColumnPtr& column : columns) {
    for (std::size_t row = 0; row < column->size(); ++row, ++at) {
      if (column->is_null(row)) parts.validity[at / 64] &= ~(std::uint64_t{1} << (at % 64));
    }
  }
}

ColumnPtr concat_columns(std::span<const ColumnPtr> columns) {
  const Column& first = *columns.front();
  ColumnParts parts;
  parts.type = first.type();
  for (const ColumnPtr& column : columns) parts.size += column->size();
  concat_validity(columns, parts);
  const std::size_t width = layout_width(first.type().layout());
  parts.values.reserve(parts.size * width);
  if (is_list(first.type().kind())) parts.offsets.push_back(0);
  for (const ColumnPtr& column : columns) {
    const std::byte* values = column->data<std::byte>();
    parts.values.insert(parts.values.end(), values, values + column->size() * width);
    append_buffers(parts, *column);
    if (!is_list(first.type().kind())) continue;
    // Offsets of later columns move behind the children of the earlier ones.
    const std::int32_t base = parts.offsets.back();
    for (std::size_t row = 1; row <= column->size(); ++row)
      parts.offsets.push_back(base + column->offsets()[row]);
  }
  for (std::size_t child = 0; child < first.children().size(); ++child) {
    std::vector<ColumnPtr> pieces;
    for (const ColumnPtr& column : columns) {
      const ColumnPtr& piece = column->children()[child];
      const std::size_t used = is_list(first.type().kind())
                                   ? static_cast<std::size_t>(column->offsets().back())
                                   : column->size();
      CHECK(piece->size() == used);
      pieces.push_back(piece);
    }
    parts.children.push_back(concat_columns(pieces));
  }
  return std::make_shared<const Column>(std::move(parts));
}

ColumnPtr copied(const Column& column) {
  ColumnBuilder builder(column.type());
  builder.reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) builder.append_from(column, row);
  return builder.finish();
}

}  // namespace

std::string_view row_kind_name(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "+I";
    case RowKind::kUpdateBefore:
      return "-U";
    case RowKind::kUpdateAfter:
      return "+U";
    case RowKind::kDelete:
      return "-D";
  }
  return "?";
}

std::size_t Batch::bytes_used() const {
  std::size_t bytes = kinds().size() + key_hashes().size() * 8;
  for (const ColumnPtr& column : columns_) bytes += column->bytes_used();
  return bytes;
}

std::size_t Batch::bytes_pinned() const {
  std::unordered_set<const Buffer*> seen;  // columns of one message buffer share it
  for (const ColumnPtr& column : columns_) collect_buffers(*column, seen);
  std::size_t bytes = 0;
  for (const Buffer* buffer : seen) bytes += buffer->bytes();
  return bytes;
}

ColumnPtr take(const Column& column, std::span<const std::uint32_t> rows) {
  ColumnParts parts;
  parts.type = column.type();
  parts.size = rows.size();
  parts.validity = take_validity(column, rows);
  if (column.type().layout() == Layout::kNested) {
    take_nested(column, rows, parts);
  } else {
    take_fixed(column, rows, parts.values);
  }
  parts.buffers = column.buffers();
  return std::make_shared<const Column>(std::move(parts));
}

Batch take(const Batch& batch, std::span<const std::uint32_t> rows) {
  std::vector<ColumnPtr> columns;
  columns.reserve(batch.columns().size());
  for (const ColumnPtr& column : batch.columns()) columns.push_back(take(*column, rows));
  Batch result(rows.size(), std::move(columns));
  if (!batch.kinds().empty()) {
    std::vector<RowKind> kinds;
    kinds.reserve(rows.size());
    for (const std::uint32_t row : rows) kinds.push_back(batch.kind(row));
    result.set_kinds(std::move(kinds));
  }
  if (!batch.key_hashes().empty()) {
    std::vector<std::uint64_t> hashes;
    hashes.reserve(rows.size());
    for (const std::uint32_t row : rows) hashes.push_back(batch.key_hashes()[row]);
    result.set_key_hashes(std::move(hashes));
  }
  return result;
}

Batch slice(const Batch& batch, std::size_t begin, std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
  return take(batch, rows);
}

Batch concat(std::span<const Batch> batches) {
  if (batches.empty()) return {};
  if (batches.size() == 1) return batches.front();
  std::size_t rows = 0;
  bool any_kinds = false;
  bool all_hashes = true;
  for (const Batch& batch : batches) {
    rows += batch.rows();
    any_kinds = any_kinds || !batch.kinds().empty();
    all_hashes = all_hashes && batch.key_hashes().size() == batch.rows();
  }
  std::vector<ColumnPtr> columns;
  for (std::size_t i = 0; i < batches.front().columns().size(); ++i) {
    std::vector<ColumnPtr> pieces;
    for (const Batch& batch : batches) pieces.push_back(batch.column(i));
    columns.push_back(concat_columns(pieces));
  }
  Batch result(rows, std::move(columns));
  std::vector<RowKind> kinds;
  std::vector<std::uint64_t> hashes;
  for (const Batch& batch : batches) {
    if (any_kinds) {
      for (std::size_t row = 0; row < batch.rows(); ++row) kinds.push_back(batch.kind(row));
    }
    if (all_hashes)
      hashes.insert(hashes.end(), batch.key_hashes().begin(), batch.key_hashes().end());
  }
  result.set_kinds(std::move(kinds));
  result.set_key_hashes(std::move(hashes));
  return result;
}

Batch compacted(Batch batch) {
  if (batch.bytes_pinned() <= 4 * batch.bytes_used()) return batch;
  std::vector<ColumnPtr> columns;
  for (const ColumnPtr& column : batch.columns()) {
    columns.push_back(column->bytes_pinned() == 0 ? column : copied(*column));
  }
  batch.set_columns(std::move(columns));
  return batch;
}

ColumnPtr repeat(const Column& value, std::size_t rows) {
  const std::vector<std::uint32_t> zeros(rows, 0);
  return take(value, zeros);
}

}  // namespace slipstream
