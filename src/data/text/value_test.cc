#include "data/text/value.h"

#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream::text {
namespace {

std::string through(const Type& type, std::string_view text, const TimeZone& zone = TimeZone()) {
  ColumnBuilder builder(type);
  if (!parse(text, zone, builder)) {
    EXPECT_EQ(builder.size(), 0U);
    return "none";
  }
  return to_text(*builder.finish(), 0, zone);
}

TEST(Value, EveryScalarTypeReadsWhatItPrints) {
  EXPECT_EQ(through(Type::boolean(), "yes"), "TRUE");
  EXPECT_EQ(through(Type::tinyint(), "-128"), "-128");
  EXPECT_EQ(through(Type::tinyint(), "128"), "none");
  EXPECT_EQ(through(Type::smallint(), "32767"), "32767");
  EXPECT_EQ(through(Type::integer(), "x"), "none");
  EXPECT_EQ(through(Type::bigint(), "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(through(Type::float32(), "1.5"), "1.5");
  EXPECT_EQ(through(Type::float64(), "1e21"), "1.0E21");
  EXPECT_EQ(through(Type::decimal(5, 2), "-0.005"), "-0.01");
  EXPECT_EQ(through(Type::date(), "2024-02-29"), "2024-02-29");
  EXPECT_EQ(through(Type::time(3), "10:11:12.5"), "10:11:12.500");
  EXPECT_EQ(through(Type::timestamp(3), "2024-02-29 10:11:12"), "2024-02-29 10:11:12.000");
  EXPECT_EQ(through(Type::bytes(), "ab"), "ab");
}

TEST(Value, TextFitsItsType) {
  EXPECT_EQ(through(Type::character(3), "a"), "a  ");
  EXPECT_EQ(through(Type::character(2), "数据库"), "数据");
  EXPECT_EQ(through(Type::character(4), "数据"), "数据  ");
  EXPECT_EQ(through(Type::varchar(2), "abc"), "ab");
  EXPECT_EQ(through(Type::varbinary(2), "abc"), "ab");
  EXPECT_EQ(through(Type::binary(3), "ab"), std::string("ab\0", 3));
}

TEST(Value, LocalTimestampsUseTheZone) {
  const TimeZone shanghai = *TimeZone::from_name("Asia/Shanghai");
  ColumnBuilder builder(Type::timestamp_ltz(3));
  ASSERT_TRUE(parse("1970-01-01 08:00:00", shanghai, builder));
  const ColumnPtr column = builder.finish();
  EXPECT_EQ(column->data<std::int64_t>()[0], 0);
  EXPECT_EQ(to_text(*column, 0, shanghai), "1970-01-01 08:00:00.000");
}

TEST(Value, FailuresNameTextAndType) {
  EXPECT_EQ(parse_failure("abc", Type::integer().not_null()), "'abc' is no INT");
  EXPECT_LT(parse_failure(std::string(1000, 'x'), Type::integer()).size(), 100U);
}

}  // namespace
}  // namespace slipstream::text
