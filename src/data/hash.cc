#include "data/hash.h"

#define XXH_INLINE_ALL
#include <bit>
#include <cmath>
#include <limits>

#include <xxhash.h>

namespace slipstream {

namespace {

constexpr std::uint64_t kNullHash = 0x9ae16a3b2f90404fULL;
constexpr std::uint64_t kEmptyKey = 0x27d4eb2f165667c5ULL;

std::uint64_t hash_word(std::uint64_t word) { return XXH3_64bits(&word, sizeof word); }

std::uint64_t hash_integer(std::int64_t value) {
  return hash_word(static_cast<std::uint64_t>(value));
}

std::uint64_t hash_double(double value) {
  if (value == 0.0) value = 0.0;
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  return hash_word(std::bit_cast<std::uint64_t>(value));
}

std::uint64_t combine(std::uint64_t seed, std::uint64_t hash) {
  const std::uint64_t words[2] = {seed, hash};
  return XXH3_64bits(words, sizeof words);
}

std::uint64_t hash_decimal(Int128 value, int scale) {
  // 1.50 and 1.5 are equal: trailing zeros of the fraction do not count.
  while (scale > 0 && value % 10 == 0) {
    value /= 10;
    --scale;
  }
  if (scale == 0 && value >= std::numeric_limits<std::int64_t>::min() &&
      value <= std::numeric_limits<std::int64_t>::max()) {
    return hash_integer(static_cast<std::int64_t>(value));
  }
  const std::uint64_t words[3] = {static_cast<std::uint64_t>(value),
                                  static_cast<std::uint64_t>(value >> 64),
                                  static_cast<std::uint64_t>(scale)};
  return XXH3_64bits(words, sizeof words);
}

std::uint64_t hash_timestamp(std::int64_t value, const Type& type) {
  if (type.precision() <= 6) return hash_integer(value);
  if (value % 1000 == 0) return hash_integer(value / 1000);
  return combine(1, hash_integer(value));
}

std::uint64_t hash_cell(const Column& column, std::size_t row);

std::uint64_t hash_nested(const Column& column, std::size_t row) {
  std::uint64_t hash = kEmptyKey;
  if (column.type().kind() == TypeKind::kRow) {
    for (const ColumnPtr& field : column.children()) hash = combine(hash, hash_cell(*field, row));
    return hash;
  }
  const auto begin = static_cast<std::size_t>(column.offsets()[row]);
  const auto end = static_cast<std::size_t>(column.offsets()[row + 1]);
  if (column.type().kind() == TypeKind::kArray) {
    for (std::size_t at = begin; at < end; ++at)
      hash = combine(hash, hash_cell(*column.children()[0], at));
    return combine(hash, end - begin);
  }
  // Entries of maps and multisets have no order: sum their hashes.
  std::uint64_t sum = end - begin;
  for (std::size_t at = begin; at < end; ++at) {
    std::uint64_t entry = hash_cell(*column.children()[0], at);
    if (column.children().size() > 1) entry = combine(entry, hash_cell(*column.children()[1], at));
    sum += entry;
  }
  return combine(hash, sum);
}

std::uint64_t hash_cell(const Column& column, std::size_t row) {
  if (column.is_null(row)) return kNullHash;
  const Type& type = column.type();
  switch (type.layout()) {
    case Layout::kBool:
      return hash_integer(column.data<std::uint8_t>()[row]);
    case Layout::kInt8:
      return hash_integer(column.data<std::int8_t>()[row]);
    case Layout::kInt16:
      return hash_integer(column.data<std::int16_t>()[row]);
    case Layout::kInt32:
      return hash_integer(column.data<std::int32_t>()[row]);
    case Layout::kInt64:
      return type.is_timestamp() ? hash_timestamp(column.data<std::int64_t>()[row], type)
                                 : hash_integer(column.data<std::int64_t>()[row]);
    case Layout::kFloat:
      return hash_double(static_cast<double>(column.data<float>()[row]));
    case Layout::kDouble:
      return hash_double(column.data<double>()[row]);
    case Layout::kInt128:
      return hash_decimal(column.data<Int128>()[row], type.scale());
    case Layout::kString: {
      const std::string_view text = column.text(row);
      return XXH3_64bits(text.data(), text.size());
    }
    case Layout::kNested:
      return hash_nested(column, row);
  }
  return kNullHash;
}

template <typename Hash>
void fill(const Column& column, bool first, std::vector<std::uint64_t>& hashes, const Hash& hash) {
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    const std::uint64_t cell = column.is_null(row) ? kNullHash : hash(row);
    hashes[row] = first ? cell : combine(hashes[row], cell);
  }
}

void hash_column(const Column& column, bool first, std::vector<std::uint64_t>& hashes) {
  const Layout layout = column.type().layout();
  if (layout == Layout::kInt64 && !column.type().is_timestamp()) {
    const std::int64_t* values = column.data<std::int64_t>();
    fill(column, first, hashes, [values](std::size_t row) { return hash_integer(values[row]); });
  } else if (layout == Layout::kInt32) {
    const std::int32_t* values = column.data<std::int32_t>();
    fill(column, first, hashes, [values](std::size_t row) { return hash_integer(values[row]); });
  } else if (layout == Layout::kString) {
    const StringView* values = column.data<StringView>();
    fill(column, first, hashes,
         [values](std::size_t row) { return XXH3_64bits(values[row].data(), values[row].size()); });
  } else {
    fill(column, first, hashes, [&column](std::size_t row) { return hash_cell(column, row); });
  }
}

}  // namespace

std::vector<std::uint64_t> hash_rows(std::span<const ColumnPtr> key_columns, std::size_t rows) {
  std::vector<std::uint64_t> hashes(rows, kEmptyKey);
  bool first = true;
  for (const ColumnPtr& column : key_columns) {
    hash_column(*column, first, hashes);
    first = false;
  }
  return hashes;
}

std::vector<std::uint64_t> hash_rows(const Batch& batch, std::span<const std::size_t> key_columns) {
  std::vector<ColumnPtr> columns;
  columns.reserve(key_columns.size());
  for (const std::size_t index : key_columns) columns.push_back(batch.column(index));
  return hash_rows(columns, batch.rows());
}

}  // namespace slipstream
