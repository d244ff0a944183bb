// Batches: up to kBatchRows rows as columns. What operators, formats and connectors exchange.
//
// Ownership: columns are immutable once built and shared (std::shared_ptr<const Column>); a batch
// is a cheap
//            value. Text is held as views into reference-counted buffers that the column keeps
//            alive.
// Thread:    a finished column may be read by any thread; a builder belongs to one.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/types.h"

namespace slipstream {

inline constexpr std::size_t kBatchRows = 4096;

__extension__ using Int128 = __int128;

// 16 bytes: text of up to 12 bytes lies inside; longer text is 4 bytes of prefix and a pointer into
// a buffer that the owning column (or a table of keyed state) keeps alive.
class StringView {
 public:
  static constexpr std::uint32_t kInline = 12;

  StringView() : length_(0), inline_{} {}
  // REQUIRES: for text longer than kInline, `text` outlives this view
  explicit StringView(std::string_view text)
      : length_(static_cast<std::uint32_t>(text.size())), inline_{} {
    if (length_ <= kInline) {
      if (length_ != 0) std::memcpy(inline_, text.data(), length_);
    } else {
      std::memcpy(inline_, text.data(), 4);
      const char* data = text.data();
      std::memcpy(inline_ + 4, &data, sizeof data);
    }
  }
  std::uint32_t size() const { return length_; }
  bool is_inline() const { return length_ <= kInline; }
  const char* data() const {
    if (is_inline()) return inline_;
    const char* pointer;
    std::memcpy(&pointer, inline_ + 4, sizeof pointer);
    return pointer;
  }
  // Valid while this StringView (inline text) and the buffer behind it live.
  std::string_view view() const { return {data(), length_}; }
  friend bool operator==(const StringView& a, const StringView& b) {
    return std::memcmp(&a, &b, 8) == 0 && a.view() == b.view();
  }

 private:
  std::uint32_t length_;
  char inline_[kInline];
};
static_assert(sizeof(StringView) == 16);

// Memory that views point into: a receive buffer, an arena of decoded text. Immutable when shared.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::size_t bytes() const = 0;  // what it pins
};
using BufferPtr = std::shared_ptr<const Buffer>;

class Column;
using ColumnPtr = std::shared_ptr<const Column>;

// The parts of a column; moved into it by whoever builds one without a ColumnBuilder (kernels).
struct ColumnParts {
  Type type;
  std::size_t size = 0;
  std::vector<std::uint64_t> validity;  // bit i of word i/64 = row i is not NULL; empty = no NULL
  std::vector<std::byte> values;        // size * width of the layout; empty for kNested
  std::vector<std::int32_t> offsets;  // ARRAY, MAP, MULTISET: size + 1 positions into the children
  // ROW: one per field; ARRAY, MULTISET: {element}; MAP: {key, value}.
  std::vector<ColumnPtr> children;
  std::vector<BufferPtr> buffers;  // what StringViews point into
};

// One immutable column.
class Column {
 public:
  explicit Column(ColumnParts parts);

  const Type& type() const { return parts_.type; }
  std::size_t size() const { return parts_.size; }
  bool may_have_nulls() const { return !parts_.validity.empty(); }
  bool is_null(std::size_t row) const {
    return !parts_.validity.empty() && ((parts_.validity[row / 64] >> (row % 64)) & 1U) == 0;
  }
  std::size_t null_count() const;
  // Empty when there is no NULL.
  std::span<const std::uint64_t> validity() const { return parts_.validity; }

  // REQUIRES: T is the type of the layout. The value of a NULL row is unspecified but initialised.
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(parts_.values.data());
  }
  std::string_view text(std::size_t row) const { return data<StringView>()[row].view(); }

  std::span<const std::int32_t> offsets() const { return parts_.offsets; }
  const std::vector<ColumnPtr>& children() const { return parts_.children; }
  const std::vector<BufferPtr>& buffers() const { return parts_.buffers; }
  std::size_t bytes_used() const;    // of rows: fixed part and text
  std::size_t bytes_pinned() const;  // of buffers

 private:
  ColumnParts parts_;
};

// Bytes of one value in the fixed-width part: 1, 2, 4, 8, 16; 0 for kNested.
std::size_t layout_width(Layout layout);

// Appends values of one type row by row.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type);

  const Type& type() const { return parts_.type; }
  std::size_t size() const { return parts_.size; }
  void reserve(std::size_t rows);
  void append_null();
  // REQUIRES: T is the type of the layout; not for text or nested.
  template <typename T>
  void append(T value) {
    const std::size_t at = parts_.size * sizeof(T);
    if (at + sizeof(T) > parts_.values.size()) grow(at + sizeof(T));
    std::memcpy(parts_.values.data() + at, &value, sizeof(T));
    appended();
  }
  void append_text(std::string_view text);  // copies into the builder's arena
  void append_text_view(
      std::string_view text);  // no copy: REQUIRES a buffer that holds it was given to pin()
  void pin(BufferPtr buffer);
  // Nested types: append to the children first, then close the row. ROW: every child gets one
  // value.
  ColumnBuilder& child(std::size_t index) { return *children_[index]; }
  void append_nested();
  // One row of another column of the same type.
  void append_from(const Column& column, std::size_t row);
  // Drops rows from the end until `rows` are left (a row that failed half-way).
  void truncate(std::size_t rows);
  // The column; the builder is empty again.
  ColumnPtr finish();

 private:
  class Arena;
  void grow(std::size_t bytes);
  void push_validity(bool valid);
  void appended() {
    if (!parts_.validity.empty()) push_validity(true);
    ++parts_.size;
  }

  ColumnParts parts_;  // `values` is longer than needed while building
  std::shared_ptr<Arena> arena_;
  std::vector<std::unique_ptr<ColumnBuilder>> children_;
};

// What happened to a row. -U and +U of one update stay adjacent in one batch.
enum class RowKind : std::uint8_t { kInsert, kUpdateBefore, kUpdateAfter, kDelete };
std::string_view row_kind_name(RowKind kind);  // "+I" "-U" "+U" "-D"
inline bool is_retraction(RowKind kind) {
  return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
}

// Rows as columns. All columns have `rows()` values.
class Batch {
 public:
  Batch() = default;
  Batch(std::size_t rows, std::vector<ColumnPtr> columns)
      : rows_(rows), columns_(std::move(columns)) {}

  std::size_t rows() const { return rows_; }
  const std::vector<ColumnPtr>& columns() const { return columns_; }
  const ColumnPtr& column(std::size_t index) const { return columns_[index]; }
  void set_columns(std::vector<ColumnPtr> columns) { columns_ = std::move(columns); }

  // Empty = all rows are inserts.
  std::span<const RowKind> kinds() const {
    return kinds_ ? std::span<const RowKind>(*kinds_) : std::span<const RowKind>();
  }
  RowKind kind(std::size_t row) const { return kinds_ ? (*kinds_)[row] : RowKind::kInsert; }
  void set_kinds(std::vector<RowKind> kinds) {
    kinds_ =
        kinds.empty() ? nullptr : std::make_shared<const std::vector<RowKind>>(std::move(kinds));
  }

  // Stable 64-bit hashes of the key of the exchange that this batch went through; empty = none yet.
  std::span<const std::uint64_t> key_hashes() const {
    return hashes_ ? std::span<const std::uint64_t>(*hashes_) : std::span<const std::uint64_t>();
  }
  void set_key_hashes(std::vector<std::uint64_t> hashes) {
    hashes_ = hashes.empty()
                  ? nullptr
                  : std::make_shared<const std::vector<std::uint64_t>>(std::move(hashes));
  }

  std::size_t bytes_used() const;
  std::size_t bytes_pinned() const;

 private:
  std::size_t rows_ = 0;
  std::vector<ColumnPtr> columns_;
  std::shared_ptr<const std::vector<RowKind>> kinds_;
  std::shared_ptr<const std::vector<std::uint64_t>> hashes_;
};

// Rows `rows` of a batch, in that order (kinds and key hashes follow).
Batch take(const Batch& batch, std::span<const std::uint32_t> rows);
ColumnPtr take(const Column& column, std::span<const std::uint32_t> rows);
// Rows [begin, begin + count).
Batch slice(const Batch& batch, std::size_t begin, std::size_t count);
// REQUIRES: same column types
Batch concat(std::span<const Batch> batches);
// Strings copied into one new buffer when the batch pins more than four times what it uses.
Batch compacted(Batch batch);
// A column of `rows` equal values: row 0 of `value`.
ColumnPtr repeat(const Column& value, std::size_t rows);

}  // namespace slipstream
