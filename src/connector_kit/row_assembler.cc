#include "connector_kit/row_assembler.h"

#include <algorithm>

#include "base/log.h"
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
                           std::unique_ptr<format::RowDecoder> decoder,
                           std::unique_ptr<format::RowDecoder> key_decoder)
    : table_(std::move(table)),
      batch_rows_(batch_rows),
      counters_(counters),
      advice_(std::move(advice)),
      decoder_(std::move(decoder)),
      key_decoder_(std::move(key_decoder)) {
  for (const Field& field : table_->schema.fields())
    builders_.push_back(std::make_unique<ColumnBuilder>(field.type));
  for (const std::size_t column : table_->value.columns)
    value_columns_.push_back(builders_[column].get());
  if (!table_->key) return;
  for (const std::size_t column : table_->key->columns) {
    key_builders_.push_back(
        std::make_unique<ColumnBuilder>(builders_[column]->type().with_nullable(true)));
    key_columns_.push_back(key_builders_.back().get());
  }
}

Result<std::unique_ptr<RowAssembler>> RowAssembler::make(std::shared_ptr<const DecodedTable> table,
                                                         std::size_t batch_rows,
                                                         RowCounters counters, std::string advice) {
  TRY_ASSIGN(auto decoder, table->value.make_decoder());
  std::unique_ptr<format::RowDecoder> key_decoder;
  if (table->key) {
    TRY_ASSIGN(key_decoder, table->key->make_decoder());
  }
  return std::unique_ptr<RowAssembler>(new RowAssembler(std::move(table), batch_rows, counters,
                                                        std::move(advice), std::move(decoder),
                                                        std::move(key_decoder)));
}

void RowAssembler::begin() {
  rows_.bodies.clear();
  rows_.kinds.clear();
  rows_.columns = std::span<ColumnBuilder* const>(value_columns_);
  row_keys_.clear();
  for (ColumnBuilder* column : key_columns_) column->finish();
  bytes_ = 0;
}

Status RowAssembler::add(const BodyChunk& chunk, std::span<const AppendMetadata> metadata,
                         const OriginOf& origin) {
  const std::size_t begin_row = rows_.bodies.size();
  rows_.failures.clear();
  rows_.ignored = 0;
  if (key_decoder_) {
    std::vector<std::uint32_t> bad;
    decode_keys(chunk, bad);
    decode_around(chunk, bad);
  } else {
    decoder_->decode({chunk.bodies, chunk.buffer, chunk.padded_count}, rows_);
  }
  count(counters_.ignored, rows_.ignored);
  if (!rows_.failures.empty()) TRY(handle_failures(origin));
  const auto added = std::span<const std::uint32_t>(rows_.bodies).subspan(begin_row);
  if (key_decoder_) {
    for (const std::uint32_t body : added) row_keys_.push_back(chunk_keys_[body]);
  }
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    ColumnBuilder& builder = *builders_[table_->physical + i];
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

// Makes chunk_keys_. `bad`: bodies whose key is no row of the key's columns, ascending; they are
// failures.
void RowAssembler::decode_keys(const BodyChunk& chunk, std::vector<std::uint32_t>& bad) {
  CHECK(chunk.keys.size() == chunk.bodies.size());
  std::vector<std::string_view> keys;
  std::vector<std::uint32_t> bodies;  // of the keys
  for (std::size_t i = 0; i < chunk.keys.size(); ++i) {
    if (chunk.keys[i].data() == nullptr) continue;
    keys.push_back(chunk.keys[i]);
    bodies.push_back(static_cast<std::uint32_t>(i));
  }
  format::DecodedRows decoded;
  decoded.columns = std::span<ColumnBuilder* const>(key_columns_);
  const auto first_row = static_cast<std::uint32_t>(key_columns_.front()->size());
  key_decoder_->decode({keys, nullptr, 0}, decoded);
  rows_.ignored += decoded.ignored;
  // One row for all messages without a key.
  const auto no_key = first_row + static_cast<std::uint32_t>(decoded.bodies.size());
  for (ColumnBuilder* column : key_columns_) column->append_null();
  chunk_keys_.assign(chunk.bodies.size(), no_key);
  std::vector<std::string> reasons(chunk.bodies.size());
  for (std::size_t row = 0; row < decoded.bodies.size(); ++row) {
    const std::uint32_t body = bodies[decoded.bodies[row]];
    if (chunk_keys_[body] != no_key) reasons[body] = "key: several rows";
    chunk_keys_[body] = first_row + static_cast<std::uint32_t>(row);
  }
  for (const format::DecodeFailure& failure : decoded.failures)
    reasons[bodies[failure.body]] = "key: " + failure.reason;
  for (const std::size_t column : table_->key->columns) {
    if (builders_[column]->type().nullable()) continue;
    for (std::size_t body = 0; body < chunk_keys_.size(); ++body) {
      if (chunk_keys_[body] == no_key && reasons[body].empty())
        reasons[body] = "key: there is none, and a column of it is NOT NULL";
    }
  }
  for (std::uint32_t body = 0; body < reasons.size(); ++body) {
    if (reasons[body].empty()) continue;
    bad.push_back(body);
    rows_.failures.push_back({body, std::move(reasons[body]), chunk.bodies[body]});
  }
}

// The bodies that are not in `bad`. Indices in rows_ are those of the chunk.
void RowAssembler::decode_around(const BodyChunk& chunk, std::span<const std::uint32_t> bad) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= bad.size(); ++i) {
    const std::size_t end = i < bad.size() ? bad[i] : chunk.bodies.size();
    const std::size_t rows_before = rows_.bodies.size();
    const std::size_t failures_before = rows_.failures.size();
    const std::size_t padded = chunk.padded_count > begin ? chunk.padded_count - begin : 0;
    decoder_->decode(
        {chunk.bodies.subspan(begin, end - begin), chunk.buffer, std::min(padded, end - begin)},
        rows_);
    for (std::size_t row = rows_before; row < rows_.bodies.size(); ++row)
      rows_.bodies[row] += static_cast<std::uint32_t>(begin);
    for (std::size_t failed = failures_before; failed < rows_.failures.size(); ++failed)
      rows_.failures[failed].body += static_cast<std::uint32_t>(begin);
    begin = end + 1;
  }
}

// What the keys hold, into the columns of the batch.
void RowAssembler::append_keys() {
  for (std::size_t i = 0; i < key_columns_.size(); ++i) {
    const ColumnPtr keys = key_columns_[i]->finish();
    ColumnBuilder& out = *builders_[table_->key->columns[i]];
    for (const std::uint32_t row : row_keys_) out.append_from(*keys, row);
  }
}

Status RowAssembler::handle_failures(const OriginOf& origin) {
  count(counters_.failed, rows_.failures.size());
  if (table_->errors == DecodeErrors::kSkip && !table_->log_failures) return {};
  for (const format::DecodeFailure& failure : rows_.failures) {
    const BodyOrigin from = origin(failure.body);
    const std::string text = "table '" + table_->name + "': " + from.place +
                             " is no row of the table: " + failure.reason;
    if (table_->errors == DecodeErrors::kFail) return Error{ErrorCode::kDataError, text + advice_};
    if (table_->log_failures) log(LogLevel::kWarn, "connector", text);
    if (table_->errors == DecodeErrors::kDeadLetter)
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
  append_keys();
  std::vector<ColumnPtr> columns;
  columns.reserve(builders_.size());
  for (const auto& builder : builders_) columns.push_back(builder->finish());
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
