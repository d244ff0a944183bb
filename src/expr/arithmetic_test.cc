#include <cmath>

#include <gtest/gtest.h>

#include "expr/decimal_math.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

TEST(Arithmetic, IntegersWrap) {
  check_calls({
      {"+", {integer(1), integer(2)}, "3"},
      {"+", {integer(2147483647), integer(1)}, "-2147483648"},
      {"+", {big(9223372036854775807), big(1)}, "-9223372036854775808"},
      {"-", {tiny(-128), tiny(1)}, "127"},
      {"*", {small(300), small(300)}, "24464"},
      {"*", {integer(65536), integer(65536)}, "0"},
      {"+", {integer(1), big(2)}, "3"},
      {"NEGATE", {integer(-2147483647 - 1)}, "-2147483648"},
      {"/", {integer(7), integer(2)}, "3"},
      {"/", {integer(-7), integer(2)}, "-3"},
      {"/", {integer(-2147483647 - 1), integer(-1)}, "-2147483648"},
      {"%", {integer(-7), integer(3)}, "-1"},
      {"MOD", {big(10), integer(4)}, "2"},
      {"MOD", {big(-9223372036854775807 - 1), big(-1)}, "0"},
      {"+", {null_of(Type::integer()), integer(2)}, "NULL"},
  });
}

TEST(Arithmetic, DivisionByZeroNamesTheExpression) {
  EXPECT_EQ(evaluate_call("/", {integer(7), integer(0)}), "error: (c0 / c1): division by zero");
  EXPECT_EQ(evaluate_call("%", {big(7), big(0)}), "error: (c0 % c1): division by zero");
  EXPECT_EQ(evaluate_call("/", {decimal("1.5", 5, 2), decimal("0", 5, 2)}),
            "error: (c0 / c1): division by zero");
}

TEST(Arithmetic, FloatingPointFollowsIeee) {
  check_calls({
      {"+", {dbl("0.1"), dbl("0.2")}, "0.30000000000000004"},
      {"%", {dbl("7.5"), dbl("2")}, "1.5"},
      {"*", {real("1.5"), integer(2)}, "3.0"},
      {"NEGATE", {dbl("1.5")}, "-1.5"},
  });
  const ExprPtr quotient =
      *bind_call(*find_function("/"), {column(0, Type::float64()), column(1, Type::float64())});
  auto program = *Program::compile({quotient}, test_context());
  const ColumnPtr zero = column_of(Type::float64(), {"0", "0", "0"});
  const ColumnPtr top = column_of(Type::float64(), {"1", "-1", "0"});
  const auto columns = *program->run(Batch(3, {top, zero}));
  const auto* values = columns[0]->data<double>();
  EXPECT_TRUE(std::isinf(values[0]) && values[0] > 0);
  EXPECT_TRUE(std::isinf(values[1]) && values[1] < 0);
  EXPECT_TRUE(std::isnan(values[2]));
}

TEST(Arithmetic, ResultTypesAreFlinks) {
  EXPECT_EQ(call_type("/", {Type::decimal(10, 3), Type::integer()}), "DECIMAL(21, 14)");
  EXPECT_EQ(call_type("+", {Type::decimal(10, 2), Type::decimal(5, 4)}), "DECIMAL(13, 4)");
  EXPECT_EQ(call_type("*", {Type::decimal(10, 2), Type::decimal(5, 4)}), "DECIMAL(16, 6)");
  EXPECT_EQ(call_type("*", {Type::decimal(38, 10), Type::decimal(38, 10)}), "DECIMAL(38, 6)");
  EXPECT_EQ(call_type("MOD", {Type::bigint(), Type::integer()}), "INT");
  EXPECT_EQ(call_type("+", {Type::float32(), Type::float64()}), "FLOAT");
  EXPECT_EQ(call_type("+", {Type::float64(), Type::float32()}), "DOUBLE");
  EXPECT_EQ(call_type("+", {Type::float32(), Type::decimal(5, 1)}), "DOUBLE");
  EXPECT_EQ(call_type("+", {Type::tinyint(), Type::smallint()}), "SMALLINT");
  EXPECT_EQ(call_type("+", {Type::integer().not_null(), Type::integer().not_null()}),
            "INT NOT NULL");
  EXPECT_EQ(call_type("+", {Type::integer(), Type::string()}),
            "error: no INT + STRING: CAST the text to a number");
}

TEST(Arithmetic, Decimals) {
  check_calls({
      {"+", {decimal("1.25", 10, 2), decimal("0.005", 10, 3)}, "1.255"},
      {"-", {decimal("1.25", 10, 2), integer(2)}, "-0.75"},
      {"*", {decimal("-1.25", 10, 2), decimal("1.1", 10, 1)}, "-1.375"},
      {"/", {decimal("10.000", 10, 3), integer(7)}, "1.42857142857143"},
      {"/", {decimal("-2", 10, 0), decimal("3", 10, 0)}, "-0.66666666667"},
      {"%", {decimal("7.50", 10, 2), decimal("2", 10, 0)}, "1.50"},
      {"%", {decimal("-7.5", 10, 1), decimal("0.40", 10, 2)}, "-0.30"},
      {"+", {decimal("99999999999999999999999999999999999999", 38, 0), integer(1)}, "NULL"},
      {"*",
       {decimal("99999999999999999999", 38, 10), decimal("99999999999999999999", 38, 10)},
       "NULL"},
      {"*",
       {decimal("1234567890.0123456789", 38, 10), decimal("2.5", 38, 10)},
       "3086419725.030864"},
      {"NEGATE", {decimal("1.50", 5, 2)}, "-1.50"},
  });
}

TEST(Arithmetic, WideDecimalDivision) {
  const DecimalShape shape = {0, 38, 38, 6};
  // 3 / 0.00...07 (38 fractional digits) is beyond 38 digits.
  EXPECT_EQ(decimal_divide(3, 7, shape), std::nullopt);
  EXPECT_EQ(decimal_divide(1, 3, DecimalShape{0, 0, 38, 37}).value(),
            (Int128{333333333333333333} * 1000000000000000000 + 333333333333333333) * 10 + 3);
  EXPECT_EQ(decimal_divide(5, 10, DecimalShape{0, 0, 38, 0}).value(), 1) << "half up";
  EXPECT_EQ(decimal_divide(-5, 10, DecimalShape{0, 0, 38, 0}).value(), -1);
}

std::string moved(const std::string& op, const Cell& moment, const Type& interval_type,
                  std::int64_t by) {
  const Cell number = interval_type.kind() == TypeKind::kIntervalYearMonth
                          ? integer(static_cast<std::int32_t>(by))
                          : big(by);
  auto e =
      bind_call(*find_function(op), {literal_of(moment), cast(literal_of(number), interval_type)});
  return e.ok() ? evaluate_text(*e) : "error: " + e.error().message;
}

TEST(Arithmetic, Intervals) {
  const Type months = Type::interval_year_month();
  const Type millis = Type::interval_day_time();
  EXPECT_EQ(moved("+", timestamp("2024-01-31 10:00:00"), months, 1), "2024-02-29 10:00:00.000");
  EXPECT_EQ(moved("-", timestamp("2024-03-31 10:00:00"), months, 13), "2023-02-28 10:00:00.000");
  EXPECT_EQ(moved("+", timestamp("1969-12-31 23:59:59.500"), millis, 1000),
            "1970-01-01 00:00:00.500");
  EXPECT_EQ(moved("-", timestamp("2024-01-01 00:00:00", 9), millis, 1),
            "2023-12-31 23:59:59.999000000");
  EXPECT_EQ(moved("+", date("2024-02-28"), millis, 2 * 86'400'000), "2024-03-01");
  EXPECT_EQ(moved("-", date("2024-03-31"), months, 1), "2024-02-29");
  EXPECT_EQ(moved("+", time_of_day("23:30:00", 0), millis, 3'600'000), "00:30:00");
  EXPECT_EQ(moved("-", time_of_day("00:30:00", 0), millis, 3'600'000), "23:30:00");
  EXPECT_TRUE(moved("+", timestamp("9999-12-31 00:00:00"), millis, 9223372036854775807)
                  .find("out of range") != std::string::npos);
  EXPECT_TRUE(moved("*", date("2024-01-01"), millis, 1).starts_with("error: no DATE *"));
}

}  // namespace
}  // namespace slipstream::expr
