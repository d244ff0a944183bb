// Columns and batches from texts, and rows as texts: for tests only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/batch.h"

#include "base/try.h"
#include "data/text/value.h"

namespace slipstream::testing {

using Texts = std::vector<std::optional<std::string>>;

// One row per text, as CAST reads it; nullopt = NULL. REQUIRES: a scalar type and texts that it
// accepts
inline ColumnPtr column_of(const Type& type, const Texts& texts) {
  ColumnBuilder builder(type);
  for (const auto& text : texts) {
    if (!text) {
      builder.append_null();
    } else {
      CHECK(text::parse(*text, TimeZone(), builder));
    }
  }
  return builder.finish();
}

inline Batch batch_of(std::vector<ColumnPtr> columns, std::vector<RowKind> kinds = {}) {
  const std::size_t rows = columns.empty() ? 0 : columns.front()->size();
  Batch batch(rows, std::move(columns));
  batch.set_kinds(std::move(kinds));
  return batch;
}

// "+I(1, a)"
inline std::string row_text(const Batch& batch, std::size_t row) {
  std::string out(row_kind_name(batch.kind(row)));
  out += '(';
  for (std::size_t i = 0; i < batch.columns().size(); ++i) {
    if (i != 0) out += ", ";
    text::to_text(*batch.column(i), row, TimeZone(), out);
  }
  return out + ")";
}

inline std::vector<std::string> row_texts(const Batch& batch) {
  std::vector<std::string> rows;
  for (std::size_t row = 0; row < batch.rows(); ++row) rows.push_back(row_text(batch, row));
  return rows;
}

}  // namespace slipstream::testing
