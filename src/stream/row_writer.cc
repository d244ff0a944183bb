#include "slipstream/stream/operator.h"

namespace slipstream::stream::erased {

Schema edge_schema(Schema element, bool keyed) {
  element.add("$time", Type::bigint());
  if (keyed) element.add("$key", Type::bytes().not_null());
  return element;
}

RowWriter::RowWriter(const Schema& edge, std::size_t batch_rows, Send send)
    : batch_rows_(batch_rows), send_(std::move(send)) {
  columns_.reserve(edge.size());
  for (const Field& field : edge.fields()) columns_.emplace_back(field.type);
}

void RowWriter::flush() {
  if (rows_ == 0) return;
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder& builder : columns_) columns.push_back(builder.finish());
  Batch batch(rows_, std::move(columns));
  rows_ = 0;
  send_(std::move(batch));
}

}  // namespace slipstream::stream::erased
