#include "slipstream/types.h"

#include <gtest/gtest.h>

namespace slipstream {
namespace {

TEST(Type, PrintsFlinksSpelling) {
  EXPECT_EQ(Type::string().to_string(), "STRING");
  EXPECT_EQ(Type::varchar(20).not_null().to_string(), "VARCHAR(20) NOT NULL");
  EXPECT_EQ(Type::decimal(10, 2).to_string(), "DECIMAL(10, 2)");
  EXPECT_EQ(Type::timestamp_ltz(3).to_string(), "TIMESTAMP_LTZ(3)");
  EXPECT_EQ(Type::map(Type::string(), Type::array(Type::integer().not_null())).to_string(),
            "MAP<STRING, ARRAY<INT NOT NULL>>");
  EXPECT_EQ(Type::row({{"a", Type::bigint()}, {"b`c", Type::date()}}).to_string(),
            "ROW<`a` BIGINT, `b``c` DATE>");
}

TEST(Type, EqualityLooksAtContent) {
  EXPECT_EQ(Type::row({{"a", Type::bigint()}}), Type::row({{"a", Type::bigint()}}));
  EXPECT_FALSE(Type::row({{"a", Type::bigint()}}) == Type::row({{"b", Type::bigint()}}));
  EXPECT_FALSE(Type::integer() == Type::integer().not_null());
  EXPECT_TRUE(same_type(Type::integer(), Type::integer().not_null()));
  EXPECT_FALSE(same_type(Type::decimal(10, 2), Type::decimal(10, 3)));
}

TEST(Type, LayoutsFollowTheHeader) {
  EXPECT_EQ(Type::date().layout(), Layout::kInt32);
  EXPECT_EQ(Type::timestamp(9).layout(), Layout::kInt64);
  EXPECT_EQ(Type::decimal(3, 1).layout(), Layout::kInt128);
  EXPECT_EQ(Type::bytes().layout(), Layout::kString);
  EXPECT_EQ(Type::multiset(Type::integer()).layout(), Layout::kNested);
  EXPECT_EQ(Type::timestamp(6).units_per_second(), 1'000'000);
  EXPECT_EQ(Type::timestamp(7).units_per_second(), 1'000'000'000);
}

TEST(Schema, FindsByExactName) {
  Schema schema({{"a", Type::integer()}});
  schema.add("数据", Type::string());
  EXPECT_EQ(schema.find("数据"), std::optional<std::size_t>(1));
  EXPECT_FALSE(schema.find("A"));
  EXPECT_EQ(schema.to_string(), "(a INT, 数据 STRING)");
}

}  // namespace
}  // namespace slipstream
