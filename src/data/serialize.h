// Batches, types and rows as bytes: keyed state, snapshots, epoch files. Format:
// docs/formats/batch.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/status.h"

namespace slipstream {

// Appends one self-describing, checksummed block: column types, values, row kinds and key hashes.
void serialize_batch(const Batch& batch, std::vector<std::uint8_t>& out);
// Reads the block at the start of `bytes`, removes it from `bytes`. kCorrupt when it cannot be one.
// Text is copied.
Result<Batch> deserialize_batch(std::span<const std::uint8_t>& bytes);

// Appends one row of `columns`, compact, without types. `encode_key` normalises: equal keys give
// equal bytes (0.0 and -0.0, all NaN). The bytes have no useful order.
void encode_row(std::span<const ColumnPtr> columns, std::size_t row,
                std::vector<std::uint8_t>& out);
void encode_key(std::span<const ColumnPtr> columns, std::size_t row,
                std::vector<std::uint8_t>& out);
// Appends the row at the start of `bytes` to one builder per column, of the types it was written
// with, and removes it from `bytes`. After an error the builders may be of unequal size: truncate
// them.
Status decode_row(std::span<const std::uint8_t>& bytes, std::span<ColumnBuilder* const> builders);

}  // namespace slipstream
