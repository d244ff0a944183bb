// Snapshots' batch blocks and rows: damaged bytes give an error, never a crash. The checksum is
// made right, so that the content is reached.
#define XXH_INLINE_ALL
#include <cstring>

#include <xxhash.h>

#include "base/try.h"
#include "data/serialize.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipstream;  // NOLINT: one file
  std::vector<std::uint8_t> block = {'S', 'L', 'B', '1', 1};
  const std::uint64_t numbers[2] = {size, XXH3_64bits(data, size)};
  block.resize(block.size() + sizeof numbers);
  std::memcpy(block.data() + 5, numbers, sizeof numbers);
  block.insert(block.end(), data, data + size);
  std::span<const std::uint8_t> rest(block);
  const auto batch = deserialize_batch(rest);
  if (batch.ok()) {
    for (const ColumnPtr& column : batch->columns()) CHECK(column->size() == batch->rows());
    std::vector<std::uint8_t> again;
    serialize_batch(*batch, again);
    std::span<const std::uint8_t> copy(again);
    CHECK(deserialize_batch(copy).ok());
  }
  ColumnBuilder text(Type::string());
  ColumnBuilder lists(Type::array(Type::row({{"a", Type::bigint()}})));
  ColumnBuilder* builders[] = {&text, &lists};
  std::span<const std::uint8_t> row(data, size);
  if (decode_row(row, builders).ok()) CHECK(text.size() == 1 && lists.size() == 1);
  return 0;
}
