#include "connector_kit/row_serializer.h"

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
      new RowSerializer(std::move(table), std::move(*value), std::move(key)));
}

Status RowSerializer::Part::encode(const Batch& batch, bool with_kinds,
                                   format::EncodedBodies& out) const {
  if (with_kinds && columns.size() == batch.columns().size())
    return encoder->encode(batch, 0, batch.rows(), out);
  std::vector<ColumnPtr> chosen;
  for (const std::size_t column : columns) chosen.push_back(batch.column(column));
  Batch rows(batch.rows(), std::move(chosen));
  if (with_kinds) rows.set_kinds({batch.kinds().begin(), batch.kinds().end()});
  return encoder->encode(rows, 0, rows.rows(), out);
}

Status RowSerializer::encode(const Batch& batch) {
  bodies_.clear();
  keys_.clear();
  TRY(value_.encode(batch, true, bodies_).with_context("table '" + table_ + "'"));
  if (!key_.encoder) return {};
  return key_.encode(batch, false, keys_).with_context("table '" + table_ + "': key");
}

}  // namespace slipstream::connector_kit
