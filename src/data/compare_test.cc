#include "data/compare.h"

#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream {
namespace {

using testing::column_of;

int compare(const Type& type, std::optional<std::string> a, std::optional<std::string> b) {
  const ColumnPtr column = column_of(type, {std::move(a), std::move(b)});
  const int forward = compare_cells(*column, 0, *column, 1);
  EXPECT_EQ(compare_cells(*column, 1, *column, 0), -forward);
  return forward;
}

TEST(CompareCells, OrdersScalars) {
  EXPECT_EQ(compare(Type::integer(), "-1", "2"), -1);
  EXPECT_EQ(compare(Type::decimal(38, 0), "99999999999999999999999999999999999999", "-1"), 1);
  EXPECT_EQ(compare(Type::string(), "a", "ab"), -1);
  EXPECT_EQ(compare(Type::string(), "é", "z"), 1);
  EXPECT_EQ(compare(Type::timestamp(3), "1969-12-31 00:00:00", "1970-01-01 00:00:00"), -1);
  EXPECT_EQ(compare(Type::boolean(), "false", "true"), -1);
}

TEST(CompareCells, NullIsFirstAndNanIsLast) {
  EXPECT_EQ(compare(Type::integer(), std::nullopt, "-5"), -1);
  EXPECT_EQ(compare(Type::integer(), std::nullopt, std::nullopt), 0);
  EXPECT_EQ(compare(Type::string(), std::nullopt, ""), -1);
  EXPECT_EQ(compare(Type::float64(), "NaN", "Infinity"), 1);
  EXPECT_EQ(compare(Type::float64(), "NaN", "NaN"), 0);
  EXPECT_EQ(compare(Type::float64(), "0.0", "-0.0"), 0);
}

TEST(CompareCells, MapsCompareWithoutOrder) {
  ColumnBuilder builder(Type::map(Type::string(), Type::integer()));
  const auto entry = [&builder](const char* key, std::int32_t value) {
    builder.child(0).append_text(key);
    builder.child(1).append(value);
  };
  entry("a", 1);
  entry("b", 2);
  builder.append_nested();
  entry("b", 2);
  entry("a", 1);
  builder.append_nested();
  entry("b", 1);
  entry("a", 2);
  builder.append_nested();
  const ColumnPtr maps = builder.finish();
  EXPECT_TRUE(cells_equal(*maps, 0, *maps, 1));
  EXPECT_FALSE(cells_equal(*maps, 0, *maps, 2));
}

}  // namespace
}  // namespace slipstream
