#include "data/serialize.h"

#include <gtest/gtest.h>

#include "data/compare.h"
#include "data/testing/columns.h"

namespace slipstream {
namespace {

using testing::batch_of;
using testing::column_of;
using testing::row_texts;
using Bytes = std::vector<std::uint8_t>;

const std::string kLong = "a text that does not fit inside a view";

ColumnPtr nested_column() {
  ColumnBuilder builder(
      Type::row({{"m", Type::map(Type::string(), Type::array(Type::integer()))}}));
  ColumnBuilder& map = builder.child(0);
  map.child(0).append_text(kLong);
  map.child(1).child(0).append(std::int32_t{7});
  map.child(1).child(0).append_null();
  map.child(1).append_nested();
  map.append_nested();
  builder.append_nested();
  builder.append_null();
  return builder.finish();
}

Batch sample() {
  Batch batch =
      batch_of({column_of(Type::boolean(), {"true", std::nullopt}),
                column_of(Type::decimal(38, 2), {"-123456789012345678901234567890.25", "1"}),
                column_of(Type::string().not_null(), {"", kLong}),
                column_of(Type::timestamp(9), {"2024-02-29 12:00:00.123456789", std::nullopt}),
                column_of(Type::float64(), {"NaN", "-0.0"}), nested_column()},
               {RowKind::kUpdateBefore, RowKind::kUpdateAfter});
  batch.set_key_hashes({1, 2});
  return batch;
}

TEST(SerializeBatch, ReadsBackEqual) {
  const Batch batch = sample();
  Bytes bytes;
  serialize_batch(batch, bytes);
  serialize_batch(batch_of({}), bytes);
  std::span<const std::uint8_t> rest(bytes);
  auto copy = deserialize_batch(rest);
  ASSERT_TRUE(copy.ok()) << copy.error().message;
  EXPECT_EQ(row_texts(*copy), row_texts(batch));
  for (std::size_t i = 0; i < batch.columns().size(); ++i)
    EXPECT_EQ(copy->column(i)->type(), batch.column(i)->type());
  EXPECT_EQ(copy->key_hashes()[1], 2U);
  ASSERT_TRUE(deserialize_batch(rest).ok());
  EXPECT_TRUE(rest.empty());
}

TEST(SerializeBatch, RefusesEveryCut) {
  Bytes bytes;
  serialize_batch(sample(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::span<const std::uint8_t> cut(bytes.data(), size);
    EXPECT_FALSE(deserialize_batch(cut).ok()) << size;
  }
}

TEST(SerializeBatch, RefusesEveryFlippedByte) {
  Bytes bytes;
  serialize_batch(sample(), bytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes damaged = bytes;
    damaged[at] ^= 0x20;
    std::span<const std::uint8_t> rest(damaged);
    EXPECT_FALSE(deserialize_batch(rest).ok()) << at;
  }
}

TEST(SerializeBatch, NamesANewerVersion) {
  Bytes bytes;
  serialize_batch(sample(), bytes);
  bytes[4] = 9;
  std::span<const std::uint8_t> rest(bytes);
  const auto result = deserialize_batch(rest);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find("version 9"), std::string::npos);
}

TEST(EncodeRow, DecodesToTheSameRow) {
  const Batch batch = sample();
  Bytes bytes;
  for (std::size_t row = 0; row < batch.rows(); ++row) encode_row(batch.columns(), row, bytes);
  std::vector<std::unique_ptr<ColumnBuilder>> owned;
  std::vector<ColumnBuilder*> builders;
  for (const ColumnPtr& column : batch.columns()) {
    owned.push_back(std::make_unique<ColumnBuilder>(column->type()));
    builders.push_back(owned.back().get());
  }
  std::span<const std::uint8_t> rest(bytes);
  ASSERT_TRUE(decode_row(rest, builders).ok());
  ASSERT_TRUE(decode_row(rest, builders).ok());
  EXPECT_TRUE(rest.empty());
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder* builder : builders) columns.push_back(builder->finish());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    for (std::size_t row = 0; row < batch.rows(); ++row)
      EXPECT_TRUE(cells_equal(*columns[i], row, *batch.column(i), row)) << i << ", " << row;
  }
}

TEST(EncodeRow, RefusesACutRow) {
  const std::vector<ColumnPtr> columns = {column_of(Type::string(), {kLong})};
  Bytes bytes;
  encode_row(columns, 0, bytes);
  bytes.pop_back();
  ColumnBuilder builder(Type::string());
  ColumnBuilder* builders[] = {&builder};
  std::span<const std::uint8_t> rest(bytes);
  EXPECT_FALSE(decode_row(rest, builders).ok());
}

TEST(EncodeKey, EqualKeysGiveEqualBytes) {
  const std::vector<ColumnPtr> columns = {column_of(Type::float64(), {"0.0", "-0.0", "1"}),
                                          column_of(Type::string(), {"k", "k", "k"})};
  Bytes zero;
  Bytes negative_zero;
  Bytes one;
  encode_key(columns, 0, zero);
  encode_key(columns, 1, negative_zero);
  encode_key(columns, 2, one);
  EXPECT_EQ(zero, negative_zero);
  EXPECT_NE(zero, one);
}

}  // namespace
}  // namespace slipstream
