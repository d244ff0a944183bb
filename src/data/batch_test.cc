#include "slipstream/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream {
namespace {

using testing::batch_of;
using testing::column_of;
using ::testing::ElementsAre;
using testing::row_texts;

const std::string kLong = "a text that does not fit inside a view";

ColumnPtr lists(std::initializer_list<std::vector<int>> rows) {
  ColumnBuilder builder(Type::array(Type::integer()));
  for (const auto& row : rows) {
    for (const int value : row) builder.child(0).append(std::int32_t{value});
    builder.append_nested();
  }
  return builder.finish();
}

TEST(ColumnBuilder, KeepsValuesAndNulls) {
  ColumnBuilder builder(Type::bigint());
  for (std::int64_t i = 0; i < 200; ++i) {
    if (i % 67 == 66) {
      builder.append_null();
    } else {
      builder.append(i);
    }
  }
  const ColumnPtr column = builder.finish();
  EXPECT_EQ(column->size(), 200U);
  EXPECT_EQ(column->null_count(), 2U);
  EXPECT_TRUE(column->is_null(66));
  EXPECT_TRUE(column->is_null(133));
  EXPECT_FALSE(column->is_null(199));
  EXPECT_EQ(column->data<std::int64_t>()[199], 199);
  EXPECT_EQ(builder.size(), 0U);
}

TEST(ColumnBuilder, CopiesTextAndKeepsItAlive) {
  ColumnBuilder builder(Type::string());
  for (int i = 0; i < 1000; ++i) builder.append_text(std::string(kLong) + std::to_string(i));
  builder.append_text("short");
  const ColumnPtr column = builder.finish();
  EXPECT_EQ(column->text(0), kLong + "0");
  EXPECT_EQ(column->text(999), kLong + "999");
  EXPECT_EQ(column->text(1000), "short");
  EXPECT_GE(column->bytes_pinned(), 1000 * kLong.size());
}

TEST(ColumnBuilder, TruncateDropsAHalfBuiltRow) {
  ColumnBuilder builder(Type::row({{"a", Type::integer()}, {"b", Type::array(Type::string())}}));
  builder.child(0).append(std::int32_t{1});
  builder.child(1).child(0).append_text("x");
  builder.child(1).append_nested();
  builder.append_nested();
  builder.child(0).append(std::int32_t{2});
  builder.child(1).child(0).append_text("y");
  builder.truncate(1);
  builder.append_null();
  const ColumnPtr column = builder.finish();
  EXPECT_EQ(text::to_text(*column, 0), "(1, [x])");
  EXPECT_EQ(text::to_text(*column, 1), "NULL");
}

TEST(ColumnBuilder, TruncateDropsNullsToo) {
  ColumnBuilder builder(Type::integer());
  builder.append(std::int32_t{1});
  builder.append_null();
  builder.truncate(1);
  builder.append(std::int32_t{3});
  const ColumnPtr column = builder.finish();
  EXPECT_EQ(column->null_count(), 0U);
  EXPECT_EQ(column->data<std::int32_t>()[1], 3);
}

TEST(ColumnBuilder, AppendFromCopiesNestedRows) {
  const ColumnPtr source = lists({{1, 2}, {}, {3}});
  ColumnBuilder builder(source->type());
  builder.append_from(*source, 2);
  builder.append_from(*source, 0);
  const ColumnPtr copy = builder.finish();
  EXPECT_EQ(text::to_text(*copy, 0), "[3]");
  EXPECT_EQ(text::to_text(*copy, 1), "[1, 2]");
}

Batch sample() {
  Batch batch =
      batch_of({column_of(Type::integer(), {"1", std::nullopt, "3"}),
                column_of(Type::string(), {"a", kLong, std::nullopt}), lists({{1}, {}, {2, 3}})},
               {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kUpdateAfter});
  batch.set_key_hashes({10, 20, 30});
  return batch;
}

TEST(Batch, TakeReordersEverything) {
  const std::vector<std::uint32_t> rows = {2, 0, 2};
  const Batch taken = take(sample(), rows);
  EXPECT_THAT(row_texts(taken),
              ElementsAre("+U(3, NULL, [2, 3])", "+I(1, a, [1])", "+U(3, NULL, [2, 3])"));
  EXPECT_THAT(taken.key_hashes(), ElementsAre(30, 10, 30));
}

TEST(Batch, SliceAndConcatAreInverse) {
  const Batch batch = sample();
  const std::vector<Batch> parts = {slice(batch, 0, 1), slice(batch, 1, 2)};
  EXPECT_THAT(row_texts(parts[1]),
              ElementsAre("-U(NULL, " + kLong + ", [])", "+U(3, NULL, [2, 3])"));
  const Batch whole = concat(parts);
  EXPECT_EQ(row_texts(whole), row_texts(batch));
  EXPECT_THAT(whole.key_hashes(), ElementsAre(10, 20, 30));
}

TEST(Batch, ConcatMixesInsertOnlyAndUpdating) {
  const std::vector<Batch> parts = {
      batch_of({column_of(Type::integer(), {"1"})}),
      batch_of({column_of(Type::integer(), {"2"})}, {RowKind::kDelete})};
  EXPECT_THAT(row_texts(concat(parts)), ElementsAre("+I(1)", "-D(2)"));
}

struct Block final : Buffer {
  std::string text;
  std::size_t bytes() const override { return text.size(); }
};

TEST(Batch, CompactionLetsGoOfALargeBuffer) {
  auto block = std::make_shared<Block>();
  block->text = std::string(100'000, 'x') + kLong;
  ColumnBuilder builder(Type::string());
  builder.pin(block);
  builder.append_text_view(std::string_view(block->text).substr(100'000));
  Batch batch = batch_of({builder.finish()});
  const std::weak_ptr<Block> alive = block;
  block.reset();
  EXPECT_GE(batch.bytes_pinned(), 100'000U);
  batch = compacted(std::move(batch));
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(batch.column(0)->text(0), kLong);
  EXPECT_LT(batch.bytes_pinned(), 2'000U);
}

TEST(Batch, PinnedBytesOfASharedBufferCountOnce) {
  auto block = std::make_shared<Block>();
  block->text = kLong;
  std::vector<ColumnPtr> columns;
  for (int i = 0; i < 2; ++i) {
    ColumnBuilder builder(Type::string());
    builder.pin(block);
    builder.append_text_view(block->text);
    columns.push_back(builder.finish());
  }
  EXPECT_EQ(batch_of(columns).bytes_pinned(), kLong.size());
}

TEST(Batch, RepeatMakesAConstantColumn) {
  const ColumnPtr column = repeat(*column_of(Type::string(), {kLong}), 3);
  EXPECT_EQ(column->size(), 3U);
  EXPECT_EQ(column->text(2), kLong);
}

}  // namespace
}  // namespace slipstream
