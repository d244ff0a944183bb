#include <gtest/gtest.h>

#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

struct CastCase {
  Cell value;
  Type to;
  std::string expected;
};

void check_casts(const std::vector<CastCase>& cases, const std::string& zone = "UTC") {
  for (const CastCase& one : cases) {
    EXPECT_EQ(evaluate_cast(one.value, one.to, false, zone), one.expected)
        << one.value.type.to_string() << " " << one.value.text.value_or("NULL") << " as "
        << one.to.to_string();
  }
}

TEST(Cast, Numbers) {
  check_casts({
      {integer(200), Type::tinyint(), "-56"},
      {big(4294967297), Type::integer(), "1"},
      {dbl("1e20"), Type::bigint(), "9223372036854775807"},
      {dbl("-1e20"), Type::integer(), "-2147483648"},
      {dbl("NaN"), Type::integer(), "0"},
      {dbl("-2.9"), Type::integer(), "-2"},
      {dbl("300"), Type::tinyint(), "44"},
      {real("2147483648"), Type::integer(), "2147483647"},
      {integer(7), Type::float64(), "7.0"},
      {decimal("-12.99", 5, 2), Type::integer(), "-12"},
      {decimal("300.5", 5, 1), Type::tinyint(), "44"},
      {decimal("1.25", 5, 2), Type::float64(), "1.25"},
      {decimal("1.25", 5, 2), Type::decimal(5, 1), "1.3"},
      {decimal("-1.25", 5, 2), Type::decimal(5, 1), "-1.3"},
      {decimal("123.45", 5, 2), Type::decimal(4, 2), "NULL"},
      {integer(1000), Type::decimal(3, 0), "NULL"},
      {integer(12), Type::decimal(5, 2), "12.00"},
      {dbl("1.005"), Type::decimal(5, 2), "1.01"},
      {dbl("NaN"), Type::decimal(5, 2), "NULL"},
      {boolean_cell(true), Type::integer(), "1"},
      {boolean_cell(false), Type::decimal(3, 1), "0.0"},
      {integer(2), Type::boolean(), "TRUE"},
      {decimal("0.0", 3, 1), Type::boolean(), "FALSE"},
      {null_of(Type::integer()), Type::bigint(), "NULL"},
  });
}

TEST(Cast, FromText) {
  check_casts({
      {str("42"), Type::integer(), "42"},
      {str(" -7 "), Type::bigint(), "-7"},
      {str("42.9"), Type::integer(), "42"},
      {str("1e3"), Type::integer(), "error: CAST(c AS INT): '1e3' is no INT"},
      {str("128"), Type::tinyint(), "error: CAST(c AS TINYINT): '128' is no TINYINT"},
      {str("9223372036854775808"), Type::bigint(),
       "error: CAST(c AS BIGINT): '9223372036854775808' is no BIGINT"},
      {str("1.5e3"), Type::float64(), "1500.0"},
      {str("1.005"), Type::decimal(5, 2), "1.01"},
      {str("1000"), Type::decimal(5, 2),
       "error: CAST(c AS DECIMAL(5, 2)): '1000' is no DECIMAL(5, 2)"},
      {str("yes"), Type::boolean(), "TRUE"},
      {str("F"), Type::boolean(), "FALSE"},
      {str("on"), Type::boolean(), "error: CAST(c AS BOOLEAN): 'on' is no BOOLEAN"},
      {str("2024-02-29"), Type::date(), "2024-02-29"},
      {str("2024-02-30"), Type::date(), "error: CAST(c AS DATE): '2024-02-30' is no DATE"},
      {str("2024-01-02 03:04:05.6789"), Type::timestamp(3), "2024-01-02 03:04:05.678"},
      {str("2024-01-02T03:04:05"), Type::timestamp(3),
       "error: CAST(c AS TIMESTAMP(3)): '2024-01-02T03:04:05' is no TIMESTAMP(3)"},
      {str("12:34:56"), Type::time(0), "12:34:56"},
      {str("abcdef"), Type::varchar(3), "abc"},
      {str("数据流"), Type::varchar(2), "数据"},
      {str("ab"), Type::character(4), "ab  "},
      {str("ab"), Type::bytes(), "ab"},
  });
}

TEST(Cast, ToText) {
  check_casts({
      {boolean_cell(true), Type::string(), "TRUE"},
      {integer(-5), Type::string(), "-5"},
      {dbl("1e10"), Type::string(), "1.0E10"},
      {decimal("1.50", 5, 2), Type::string(), "1.50"},
      {integer(12345), Type::varchar(3), "123"},
      {integer(7), Type::character(3), "7  "},
      {date("2024-01-05"), Type::string(), "2024-01-05"},
      {timestamp("2024-01-05 06:07:08.9", 3), Type::string(), "2024-01-05 06:07:08.900"},
      {bytes("xyz"), Type::string(), "xyz"},
      {null_of(Type::integer()), Type::string(), "NULL"},
  });
}

TEST(Cast, Times) {
  check_casts({
      {timestamp("1969-12-31 23:00:00"), Type::date(), "1969-12-31"},
      {timestamp("1969-12-31 23:00:00.5"), Type::time(0), "23:00:00"},
      {date("2024-01-05"), Type::timestamp(3), "2024-01-05 00:00:00.000"},
      {timestamp("2024-01-05 06:07:08.987654", 6), Type::timestamp(3), "2024-01-05 06:07:08.987"},
      {timestamp("1969-12-31 23:59:59.9", 3), Type::timestamp(0), "1969-12-31 23:59:59"},
      {timestamp("2024-01-05 06:07:08.987", 3), Type::timestamp(9),
       "2024-01-05 06:07:08.987000000"},
      {timestamp("3024-01-05 06:07:08", 3), Type::timestamp(9),
       "error: CAST(c AS TIMESTAMP(9)): out of the range of TIMESTAMP(9) (years 1678 to 2261)"},
      {integer(5), Type::timestamp(3), "refused"},
      {timestamp("2024-01-05 06:07:08"), Type::bigint(), "refused"},
  });
  check_casts(
      {
          {timestamp_ltz("2024-01-05 06:07:08"), Type::timestamp(3), "2024-01-05 06:07:08.000"},
          {timestamp("2024-01-05 06:07:08"), Type::timestamp_ltz(3), "2024-01-05 06:07:08.000"},
          {timestamp_ltz("2024-01-05 01:00:00"), Type::date(), "2024-01-05"},
          {date("2024-01-05"), Type::timestamp_ltz(3), "2024-01-05 00:00:00.000"},
          {timestamp_ltz("2024-01-05 01:00:00"), Type::string(), "2024-01-05 01:00:00.000"},
      },
      "Asia/Shanghai");
}

TEST(Cast, TryCastGivesNull) {
  EXPECT_EQ(evaluate_cast(str("x"), Type::integer(), true), "NULL");
  EXPECT_EQ(evaluate_cast(str("5"), Type::integer(), true), "5");
  EXPECT_EQ(evaluate_cast(str("x"), Type::date(), true), "NULL");
}

TEST(Cast, TryCastDoesNotHideFailuresOfItsArgument) {
  const ExprPtr quotient =
      *bind_call(*find_function("/"), {column(0, Type::integer()), column(1, Type::integer())});
  auto program = *Program::compile({cast(quotient, Type::string(), true)}, test_context());
  const auto result = program->run(Batch(1, {column_of(integer(1)), column_of(integer(0))}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDataError);
}

TEST(Cast, Collections) {
  const Type strings = Type::array(Type::string());
  const Type ints = Type::array(Type::integer());
  ColumnBuilder builder(strings);
  for (const char* text : {"1", "2"}) builder.child(0).append_text(text);
  builder.append_nested();
  builder.append_null();
  builder.child(0).append_text("x");
  builder.append_nested();
  const Batch batch(3, {builder.finish()});
  auto strict = *Program::compile({cast(column(0, strings, "a"), ints)}, test_context());
  const auto failed = strict->run(batch);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("'x' is no INT"), std::string::npos);
  auto tolerant = *Program::compile({cast(column(0, strings, "a"), ints, true)}, test_context());
  const ColumnPtr column = (*tolerant->run(batch))[0];
  EXPECT_EQ(column->offsets()[1], 2);
  EXPECT_EQ(column->children()[0]->data<std::int32_t>()[1], 2);
  EXPECT_TRUE(column->is_null(1));
  EXPECT_TRUE(column->is_null(2));
}

TEST(Cast, UntypedNullBecomesAnything) {
  EXPECT_EQ(evaluate_text(cast(null_literal(Type::null()), Type::integer())), "NULL");
  EXPECT_EQ(evaluate_text(cast(null_literal(Type::null()), Type::string())), "NULL");
}

}  // namespace
}  // namespace slipstream::expr
