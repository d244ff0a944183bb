#include "connector_kit/row_assembler.h"

#include "base/try.h"

namespace slipstream::connector_kit {
namespace {

void count(std::atomic<std::int64_t>* counter, std::uint64_t by) {
  if (counter != nullptr && by != 0)
    counter->fetch_add(static_cast<std::int64_t>(by), std::memory_order_relaxed);
}

}  // namespace

void pin_text(ColumnBuilder& builder, const BufferPtr& buffer) {
  if (builder.type().kind() == TypeKind::kMap) {
    builder.child(0).pin(buffer);
    builder.child(1).pin(buffer);
  } else if (builder.type().layout() == Layout::kString) {
    builder.pin(buffer);
  }
}

RowAssembler::RowAssembler(std::shared_ptr<const DecodedTable> table, std::size_t batch_rows,
                           RowCounters counters, std::string advice,
                           std::unique_ptr<format::RowDecoder> decoder)
    : table_(std::move(table)),
      batch_rows_(batch_rows),
      counters_(counters),
      advice_(std::move(advice)),
      decoder_(std::move(decoder)) {
  for (const Field& field : table_->schema.fields()) {
    builders_.push_back(std::make_unique<ColumnBuilder>(field.type));
    columns_.push_back(builders_.back().get());
  }
}

Result<std::unique_ptr<RowAssembler>> RowAssembler::make(std::shared_ptr<const DecodedTable> table,
                                                         std::size_t batch_rows,
                                                         RowCounters counters, std::string advice) {
  TRY_ASSIGN(auto decoder, make_decoder(*table));
  return std::unique_ptr<RowAssembler>(new RowAssembler(std::move(table), batch_rows, counters,
                                                        std::move(advice), std::move(decoder)));
}

void RowAssembler::begin() {
  rows_.bodies.clear();
  rows_.kinds.clear();
  rows_.columns = std::span<ColumnBuilder* const>(columns_.data(), table_->projection.size());
  bytes_ = 0;
}

Status RowAssembler::add(const BodyChunk& chunk, std::span<const AppendMetadata> metadata,
                         const OriginOf& origin) {
  const std::size_t begin_row = rows_.bodies.size();
  rows_.failures.clear();
  rows_.ignored = 0;
  decoder_->decode({chunk.bodies, chunk.buffer, chunk.padded_count}, rows_);
  count(counters_.ignored, rows_.ignored);
  if (!rows_.failures.empty()) TRY(handle_failures(origin));
  const auto added = std::span<const std::uint32_t>(rows_.bodies).subspan(begin_row);
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    ColumnBuilder& builder = *columns_[table_->projection.size() + i];
    pin_text(builder, chunk.buffer);
    metadata[i](added, builder);
  }
  if (!added.empty() && (runs_.empty() || runs_.back().split != chunk.split))
    runs_.push_back(SplitRun{chunk.split, static_cast<std::uint32_t>(begin_row)});
  bytes_ += chunk.bytes;
  count(counters_.bodies, chunk.bodies.size());
  count(counters_.bytes, chunk.bytes);
  return {};
}

Status RowAssembler::handle_failures(const OriginOf& origin) {
  count(counters_.failed, rows_.failures.size());
  if (table_->errors == DecodeErrors::kSkip) return {};
  for (const format::DecodeFailure& failure : rows_.failures) {
    const BodyOrigin from = origin(failure.body);
    if (table_->errors == DecodeErrors::kFail) {
      return Error{ErrorCode::kDataError, "table '" + table_->name + "': " + from.place +
                                              " is no row of the table: " + failure.reason +
                                              advice_};
    }
    add_rejected(failure.piece, failure.reason, from);
  }
  return {};
}

void RowAssembler::reject(std::string_view body, std::string_view reason, const OriginOf& origin) {
  count(counters_.failed, 1);
  if (table_->errors == DecodeErrors::kDeadLetter) add_rejected(body, reason, origin(0));
}

void RowAssembler::add_rejected(std::string_view body, std::string_view reason,
                                const BodyOrigin& origin) {
  if (rejected_.empty()) {
    const Schema schema = rejected_schema();
    for (const Field& field : schema.fields()) rejected_.emplace_back(field.type);
  }
  rejected_[0].append_text(body);
  rejected_[1].append_text(reason);
  rejected_[2].append_text(origin.split);
  rejected_[3].append_text(origin.position);
  for (const auto& [key, value] : origin.metadata) {
    rejected_[4].child(0).append_text(key);
    rejected_[4].child(1).append_text(value);
  }
  rejected_[4].append_nested();
  ++rejected_rows_;
}

void RowAssembler::finish(SourceBatch* out) {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder* builder : columns_) columns.push_back(builder->finish());
  out->rows = Batch(rows_.bodies.size(), std::move(columns));
  if (!rows_.kinds.empty()) {
    rows_.kinds.resize(rows_.bodies.size(), RowKind::kInsert);
    out->rows.set_kinds(std::exchange(rows_.kinds, {}));
  }
  out->runs = std::exchange(runs_, {});
  out->events = std::exchange(events_, {});
}

void RowAssembler::give_rejected(Batch* out) {
  if (rejected_rows_ == 0 || out == nullptr) return;
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : rejected_) columns.push_back(builder.finish());
  *out = Batch(std::exchange(rejected_rows_, 0), std::move(columns));
}

}  // namespace slipstream::connector_kit
