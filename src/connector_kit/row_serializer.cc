#include "connector_kit/row_serializer.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "base/try.h"

namespace slipstream::connector_kit {

RowSerializer::RowSerializer(std::string table, std::size_t width,
                             std::unique_ptr<format::RowEncoder> encoder)
    : table_(std::move(table)), width_(width), encoder_(std::move(encoder)) {}

Result<std::unique_ptr<RowSerializer>> RowSerializer::make(std::string table,
                                                           const TableFormat& format,
                                                           const Schema& physical) {
  auto encoder = format.format->make_encoder(physical, format.options);
  if (!encoder.ok()) return encoder.error().with_context("table '" + table + "'");
  return std::unique_ptr<RowSerializer>(
      new RowSerializer(std::move(table), physical.size(), std::move(*encoder)));
}

Status RowSerializer::encode(const Batch& batch) {
  bodies_.clear();
  const auto encode = [this](const Batch& rows) {
    return encoder_->encode(rows, 0, rows.rows(), bodies_).with_context("table '" + table_ + "'");
  };
  if (batch.columns().size() == width_) return encode(batch);
  const auto begin = batch.columns().begin();
  Batch rows(batch.rows(),
             std::vector<ColumnPtr>(begin, begin + static_cast<std::ptrdiff_t>(width_)));
  rows.set_kinds({batch.kinds().begin(), batch.kinds().end()});
  return encode(rows);
}

}  // namespace slipstream::connector_kit
