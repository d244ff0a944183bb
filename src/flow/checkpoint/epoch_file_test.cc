#include "flow/checkpoint/epoch_file.h"

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flow/checkpoint/storage.h"

namespace slipstream::flow {
namespace {

Status append(EpochLog& log, std::string_view text) {
  return log.append(std::as_bytes(std::span(text.data(), text.size())));
}

constexpr std::size_t kBlock = std::size_t{256} << 10;

TEST(EpochLog, PiecesOfAllSizesAreWrittenInBlocks) {
  const auto storage = make_memory_storage();
  EpochLog log(*storage, "epoch");
  std::string expected;
  const std::vector<std::size_t> sizes = {12, 300'000, 262'144, 12, 12, 600'000, 262'143, 5, 1};
  for (const std::size_t size : sizes) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    ASSERT_TRUE(append(log, piece).ok());
    expected += piece;
    EXPECT_EQ(log.size(), expected.size());
    const auto written = storage->read("epoch");
    EXPECT_EQ(written.ok() ? written->size() : 0, expected.size() / kBlock * kBlock);
  }
  const auto sealed = log.seal();
  ASSERT_TRUE(sealed.ok()) << sealed.status().to_string();
  EXPECT_EQ(sealed->size, expected.size());
  EXPECT_EQ(sealed->checksum, checksum_of(expected));
  EXPECT_EQ(*storage->read("epoch"), expected);
}

TEST(EpochLog, NothingAppendedIsNoFile) {
  const auto storage = make_memory_storage();
  EpochLog log(*storage, "epoch");
  const auto sealed = log.seal();
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(sealed->name, "");
  EXPECT_FALSE(storage->read("epoch").ok());
}

}  // namespace
}  // namespace slipstream::flow
