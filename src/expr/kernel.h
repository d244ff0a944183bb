// Building blocks of kernels: loops over the selected rows and result columns with random access.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "expr/function.h"

namespace slipstream::expr {

// f(row) for every selected row, ascending. Two loops: the one over all rows has nothing to look
// up.
template <typename F>
void each_row(const KernelContext& ctx, F&& f) {
  if (ctx.all_selected()) {
    for (std::size_t row = 0; row < ctx.rows(); ++row) f(row);
  } else {
    for (const std::uint32_t row : ctx.selection()) f(std::size_t{row});
  }
}

// Which rows of a result are NULL; no memory until the first one is.
class Validity {
 public:
  explicit Validity(std::size_t rows) : rows_(rows) {}

  void set_null(std::size_t row) {
    if (words_.empty()) fill();
    words_[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  }
  void set_valid(std::size_t row) {
    if (!words_.empty()) words_[row / 64] |= std::uint64_t{1} << (row % 64);
  }
  bool is_null(std::size_t row) const {
    return !words_.empty() && ((words_[row / 64] >> (row % 64)) & 1U) == 0;
  }
  // Rows that are NULL in `column` become NULL. REQUIRES: column.size() >= rows
  void add_nulls_of(const Column& column);
  bool empty() const { return words_.empty(); }
  std::vector<std::uint64_t> take() { return std::move(words_); }

 private:
  void fill();

  std::size_t rows_;
  std::vector<std::uint64_t> words_;
};

// A fixed-width result: starts as zeros, not NULL.
template <typename T>
class FixedResult {
 public:
  FixedResult(const Type& type, std::size_t rows) : validity_(rows) {
    parts_.type = type;
    parts_.size = rows;
    parts_.values.resize(rows * sizeof(T));
  }
  T* data() { return reinterpret_cast<T*>(parts_.values.data()); }
  void set(std::size_t row, T value) { data()[row] = value; }
  void set_null(std::size_t row) { validity_.set_null(row); }
  bool is_null(std::size_t row) const { return validity_.is_null(row); }
  Validity& validity() { return validity_; }
  ColumnPtr finish() {
    parts_.validity = validity_.take();
    return std::make_shared<const Column>(std::move(parts_));
  }

 private:
  ColumnParts parts_;
  Validity validity_;
};
using BoolResult = FixedResult<std::uint8_t>;

// A text or binary result: starts as empty texts, not NULL. Copies go to an arena that the column
// keeps.
class TextResult {
 public:
  TextResult(const Type& type, std::size_t rows);
  ~TextResult();

  // Views into this column's text may be given to set_view.
  void pin(const Column& source);
  void set(std::size_t row, std::string_view text);  // copies
  void set_view(std::size_t row, std::string_view text) { data()[row] = StringView(text); }
  // Memory for `size` bytes that the caller fills and then hands to set_view, whole or its
  // beginning.
  char* allocate(std::size_t size);
  void set_null(std::size_t row) { validity_.set_null(row); }
  Validity& validity() { return validity_; }
  ColumnPtr finish();

 private:
  class Arena;
  StringView* data() { return reinterpret_cast<StringView*>(parts_.values.data()); }

  ColumnParts parts_;
  Validity validity_;
  std::shared_ptr<Arena> arena_;
};

// True when any of the arguments is NULL in the row.
inline bool any_null(std::span<const ColumnPtr> args, std::size_t row) {
  for (const ColumnPtr& arg : args) {
    if (arg->is_null(row)) return true;
  }
  return false;
}

// f(row) for the selected rows where no argument is NULL; the others become NULL in the result.
template <typename R, typename F>
void each_complete_row(const KernelContext& ctx, std::span<const ColumnPtr> args, R& result,
                       F&& f) {
  bool may_have_nulls = false;
  for (const ColumnPtr& arg : args) may_have_nulls = may_have_nulls || arg->may_have_nulls();
  if (!may_have_nulls) {
    each_row(ctx, f);
    return;
  }
  each_row(ctx, [&](std::size_t row) {
    if (any_null(args, row)) {
      result.set_null(row);
    } else {
      f(row);
    }
  });
}

// result[row] = f(a[row]) where f cannot fail and takes any value: NULL rows are computed too.
template <typename R, typename A, typename F>
ColumnPtr map_unary(const KernelContext& ctx, const Column& a, const Type& type, F f) {
  FixedResult<R> result(type, ctx.rows());
  result.validity().add_nulls_of(a);
  const A* in = a.data<A>();
  R* out = result.data();
  each_row(ctx, [&](std::size_t row) { out[row] = f(in[row]); });
  return result.finish();
}

template <typename R, typename A, typename B, typename F>
ColumnPtr map_binary(const KernelContext& ctx, const Column& a, const Column& b, const Type& type,
                     F f) {
  FixedResult<R> result(type, ctx.rows());
  result.validity().add_nulls_of(a);
  result.validity().add_nulls_of(b);
  const A* left = a.data<A>();
  const B* right = b.data<B>();
  R* out = result.data();
  each_row(ctx, [&](std::size_t row) { out[row] = f(left[row], right[row]); });
  return result.finish();
}

// The first `rows` values as a column of another type of the same layout.
ColumnPtr retyped(const ColumnPtr& column, const Type& type, std::size_t rows);

}  // namespace slipstream::expr
