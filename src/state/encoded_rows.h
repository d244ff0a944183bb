// The rows of a batch as byte strings, encoded once.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/serialize.h"

namespace slipstream::state {

// A scratch object: keep it from batch to batch.
class EncodedRows {
 public:
  void encode_keys(std::span<const ColumnPtr> columns, std::size_t rows) {
    encode(columns, rows, true);
  }
  void encode_rows(std::span<const ColumnPtr> columns, std::size_t rows) {
    encode(columns, rows, false);
  }
  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t row) const {
    const std::size_t begin = row == 0 ? 0 : ends_[row - 1];
    return {reinterpret_cast<const char*>(bytes_.data()) + begin, ends_[row] - begin};
  }

 private:
  void encode(std::span<const ColumnPtr> columns, std::size_t rows, bool key) {
    bytes_.clear();
    ends_.clear();
    for (std::size_t row = 0; row < rows; ++row) {
      if (key) {
        encode_key(columns, row, bytes_);
      } else {
        encode_row(columns, row, bytes_);
      }
      ends_.push_back(bytes_.size());
    }
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> ends_;
};

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace slipstream::state
