#include "connector_kit/row_serializer.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace slipstream::connector_kit {

Result<RowSerializer::Part> RowSerializer::make_part(const format::Format& format,
                                                     const Options& options, const Schema& physical,
                                                     std::vector<std::size_t> columns) {
  Schema schema;
  for (const std::size_t column : columns) schema.add(physical[column].name, physical[column].type);
  TRY_ASSIGN(auto encoder, format.make_encoder(schema, options));
  return Part{std::move(columns), std::move(encoder)};
}

Result<std::unique_ptr<RowSerializer>> RowSerializer::make(std::string table,
                                                           const TableFormat& format,
                                                           const Schema& physical) {
  const std::string subject = "table '" + table + "'";
  auto value =
      make_part(*format.format, format.options, physical, format.value_fields(physical.size()));
  if (!value.ok()) return value.error().with_context(subject);
  Part key;
  if (format.key) {
    auto made = make_part(*format.key->format, format.key->options, physical, format.key->fields);
    if (!made.ok()) return made.error().with_context(subject + ": key");
    key = std::move(*made);
  }
  return std::unique_ptr<RowSerializer>(
      new RowSerializer(std::move(table), std::move(*value), std::move(key), format.upsert()));
}

Status RowSerializer::Part::encode(const Batch& batch, format::EncodedBodies& out) const {
  if (columns.size() == batch.columns().size()) return encoder->encode(batch, 0, batch.rows(), out);
  Batch rows = chosen(batch);
  rows.set_kinds({batch.kinds().begin(), batch.kinds().end()});
  return encoder->encode(rows, 0, rows.rows(), out);
}

Batch RowSerializer::Part::chosen(const Batch& batch) const {
  std::vector<ColumnPtr> chosen;
  for (const std::size_t column : columns) chosen.push_back(batch.column(column));
  return Batch(batch.rows(), std::move(chosen));
}

Status RowSerializer::Part::encode_keys(const Batch& batch, format::EncodedBodies& out) const {
  const Batch rows = chosen(batch);
  const auto has_key = [&](std::size_t row) {
    return std::any_of(rows.columns().begin(), rows.columns().end(),
                       [&](const ColumnPtr& column) { return !column->is_null(row); });
  };
  for (std::size_t begin = 0; begin < rows.rows();) {
    std::size_t end = begin;
    while (end < rows.rows() && has_key(end)) ++end;
    if (end != begin) TRY(encoder->encode(rows, begin, end, out));
    for (; end < rows.rows() && !has_key(end); ++end) out.close(end);
    begin = end;
  }
  return {};
}

Status RowSerializer::encode(const Batch& batch) {
  bodies_.clear();
  keys_.clear();
  deletions_.clear();
  const std::string subject = "table '" + table_ + "'";
  if (key_.encoder) TRY(key_.encode_keys(batch, keys_).with_context(subject + ": key"));
  return (upsert_ ? encode_upserts(batch) : value_.encode(batch, bodies_)).with_context(subject);
}

Status RowSerializer::encode_upserts(const Batch& batch) {
  const Batch values = value_.chosen(batch);
  const auto is_value = [&](std::size_t row) {
    return batch.kind(row) == RowKind::kInsert || batch.kind(row) == RowKind::kUpdateAfter;
  };
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    if (keys_[row].empty())
      return Error{ErrorCode::kDataError, "a row has no value in any column of the PRIMARY KEY"};
  }
  for (std::size_t row = 0; row < batch.rows();) {
    std::size_t end = row;
    while (end < batch.rows() && is_value(end)) ++end;
    if (end != row) TRY(value_.encoder->encode(values, row, end, bodies_));
    deletions_.resize(bodies_.size(), false);
    for (row = end; row < batch.rows() && !is_value(row); ++row) {
      if (is_replaced_by_next(batch, row)) continue;
      bodies_.close(row);
      deletions_.push_back(true);
    }
  }
  return {};
}

bool RowSerializer::is_replaced_by_next(const Batch& batch, std::size_t row) const {
  return batch.kind(row) == RowKind::kUpdateBefore && row + 1 < batch.rows() &&
         batch.kind(row + 1) == RowKind::kUpdateAfter && keys_[row] == keys_[row + 1];
}

}  // namespace slipstream::connector_kit
