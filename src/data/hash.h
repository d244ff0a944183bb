// Stable hashes of rows: what exchanges and key groups are decided by. Part of the snapshot format:
// never change.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "slipstream/batch.h"

namespace slipstream {

// XXH3-64 of the key columns of every row. Equal SQL values hash equal whatever their exact type: 1
// as INT and as BIGINT, 1.50 and 1.5 as DECIMAL, 0.0 and -0.0, all NaN, TIMESTAMP(3) and
// TIMESTAMP(9). NULL hashes as a value of its own. No key column: the same hash for all rows.
std::vector<std::uint64_t> hash_rows(const Batch& batch, std::span<const std::size_t> key_columns);
std::vector<std::uint64_t> hash_rows(std::span<const ColumnPtr> key_columns, std::size_t rows);

// The key group of a hash: [0, max_parallelism). Uses the high bits, so hash tables may use the low
// ones.
inline std::uint32_t key_group(std::uint64_t hash, std::uint32_t max_parallelism) {
  return static_cast<std::uint32_t>(((hash >> 32) * max_parallelism) >> 32);
}

// The task that owns a key group: contiguous ranges.
inline std::uint32_t key_group_owner(std::uint32_t group, std::uint32_t max_parallelism,
                                     std::uint32_t parallelism) {
  return static_cast<std::uint32_t>(std::uint64_t{group} * parallelism / max_parallelism);
}

}  // namespace slipstream
