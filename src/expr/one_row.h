// Columns of one row: the values of literals and folded constants.
#pragma once

#include <string>
#include <string_view>

#include "slipstream/batch.h"

namespace slipstream::expr {

ColumnPtr one_null(const Type& type);
// REQUIRES: `type` is text or binary
ColumnPtr one_text(const Type& type, std::string_view text);
// REQUIRES: T is the type of the layout
template <typename T>
ColumnPtr one_value(const Type& type, T value) {
  ColumnBuilder builder(type);
  builder.append<T>(value);
  return builder.finish();
}

// Of row 0. `value_bytes` differs when the values differ; NULL has bytes of its own.
bool same_value(const Column& a, const Column& b);
std::string value_bytes(const Column& column);
// As SQL text, for messages.
std::string value_text(const Column& column);

// `rows` NULLs of any type, nested ones included.
ColumnPtr all_null(const Type& type, std::size_t rows);

}  // namespace slipstream::expr
