#include <gtest/gtest.h>

#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

TEST(Math, Doubles) {
  check_calls({
      {"SQRT", {integer(9)}, "3.0"},
      {"SQRT", {dbl("-1")}, "NaN"},
      {"POWER", {integer(2), integer(10)}, "1024.0"},
      {"EXP", {integer(0)}, "1.0"},
      {"LN", {integer(1)}, "0.0"},
      {"LOG", {integer(1)}, "0.0"},
      {"LOG", {integer(2), integer(8)}, "3.0"},
      {"LOG10", {decimal("1000.0", 10, 1)}, "3.0"},
      {"LOG2", {integer(8)}, "3.0"},
      {"ATAN2", {integer(0), integer(1)}, "0.0"},
      {"COS", {integer(0)}, "1.0"},
      {"DEGREES", {integer(0)}, "0.0"},
      {"PI", {}, "3.141592653589793"},
      {"E", {}, "2.718281828459045"},
      {"SQRT", {null_of(Type::float64())}, "NULL"},
  });
  EXPECT_EQ(evaluate_call("SQRT", {str("9")}), "error: no SQRT(STRING); usage: SQRT(x)");
}

TEST(Math, SignAndMagnitudeKeepTheType) {
  check_calls({
      {"ABS", {integer(-5)}, "5"},
      {"ABS", {tiny(-128)}, "-128"},
      {"ABS", {decimal("-1.50", 5, 2)}, "1.50"},
      {"ABS", {dbl("-0.5")}, "0.5"},
      {"SIGN", {integer(-5)}, "-1"},
      {"SIGN", {tiny(5)}, "1"},
      {"SIGN", {decimal("-1.50", 5, 2)}, "-1.00"},
      {"SIGN", {dbl("0")}, "0.0"},
      {"SIGN", {dbl("2.5")}, "1.0"},
  });
  EXPECT_EQ(call_type("ABS", {Type::smallint()}), "SMALLINT");
}

TEST(Math, FloorAndCeil) {
  check_calls({
      {"FLOOR", {dbl("-1.5")}, "-2.0"},
      {"CEIL", {dbl("1.2")}, "2.0"},
      {"CEILING", {dbl("-1.2")}, "-1.0"},
      {"FLOOR", {decimal("-1.50", 5, 2)}, "-2"},
      {"CEIL", {decimal("1.01", 5, 2)}, "2"},
      {"FLOOR", {integer(7)}, "7"},
      {"FLOOR", {null_of(Type::float64())}, "NULL"},
  });
  EXPECT_EQ(call_type("FLOOR", {Type::decimal(5, 2)}), "DECIMAL(5, 0)");
}

TEST(Math, Round) {
  check_calls({
      {"ROUND", {dbl("1.005"), integer(2)}, "1.01"},
      {"ROUND", {dbl("2.5")}, "3.0"},
      {"ROUND", {dbl("-2.5")}, "-3.0"},
      {"ROUND", {dbl("1234.5"), integer(-2)}, "1200.0"},
      {"ROUND", {dbl("0.1"), integer(40)}, "0.1"},
      {"ROUND", {dbl("1e300"), integer(2)}, "1.0E300"},
      {"ROUND", {dbl("NaN"), integer(2)}, "NaN"},
      {"ROUND", {dbl("1234.5"), integer(-60)}, "0.0"},
      {"ROUND", {integer(155), integer(-1)}, "160"},
      {"ROUND", {integer(155), integer(3)}, "155"},
      {"ROUND", {decimal("2.345", 10, 3), integer(2)}, "2.350"},
      {"ROUND", {decimal("-2.5", 10, 1)}, "-3"},
      {"TRUNCATE", {dbl("42.345"), integer(2)}, "42.34"},
      {"TRUNCATE", {dbl("-42.345"), integer(2)}, "-42.34"},
      {"TRUNCATE", {decimal("42.349", 10, 3), integer(2)}, "42.340"},
      {"TRUNCATE", {integer(159), integer(-1)}, "150"},
      {"TRUNCATE", {tiny(99), integer(-1)}, "90"},
      {"TRUNCATE", {dbl("42.9")}, "42.0"},
  });
}

TEST(Math, RoundOfDecimalWithLiteralDigits) {
  const auto rounded = [](int digits) {
    const ExprPtr e = *bind_call(*find_function("ROUND"),
                                 {literal_of(decimal("2.345", 10, 3)), int_literal(digits)});
    return evaluate_text(e) + " " + e->type.to_string();
  };
  EXPECT_EQ(rounded(2), "2.35 DECIMAL(10, 2) NOT NULL");
  EXPECT_EQ(rounded(0), "2 DECIMAL(8, 0) NOT NULL");
  EXPECT_EQ(rounded(-1), "0 DECIMAL(8, 0) NOT NULL");
  EXPECT_EQ(rounded(5), "2.345 DECIMAL(10, 3) NOT NULL");
}

TEST(Math, Random) {
  // java.util.Random with seed 1
  EXPECT_EQ(evaluate_call("RAND_INTEGER", {integer(1)}), "0");
  const ExprPtr seeded = *bind_call(*find_function("RAND"), {int_literal(1)});
  EXPECT_EQ(evaluate_text(seeded), "0.7308781907032909");
  const ExprPtr a = *bind_call(*find_function("RAND"), {});
  const ExprPtr b = *bind_call(*find_function("RAND"), {});
  EXPECT_FALSE(deterministic(*a));
  auto program = *Program::compile({a, b}, test_context());
  const auto columns = *program->run(Batch(2, {}));
  const auto* first = columns[0]->data<double>();
  const auto* second = columns[1]->data<double>();
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[0], second[0]) << "two calls are two numbers";
  for (const double value : {first[0], first[1], second[0]}) EXPECT_TRUE(value >= 0 && value < 1);
  EXPECT_NE(evaluate_call("RAND_INTEGER", {integer(0)}).find("bound must be"), std::string::npos);
}

TEST(Any, GreatestAndLeast) {
  check_calls({
      {"GREATEST", {integer(1), big(5), integer(3)}, "5"},
      {"LEAST", {integer(1), decimal("0.5", 5, 1)}, "0.5"},
      {"GREATEST",
       {str("a"), str("a text that is longer than that")},
       "a text that is longer than that"},
      {"GREATEST", {integer(1), null_of(Type::integer())}, "NULL"},
      {"LEAST", {date("2024-01-01"), date("2023-01-01")}, "2023-01-01"},
  });
  EXPECT_TRUE(
      call_type("GREATEST", {Type::integer(), Type::string()}).starts_with("error: GREATEST: "));
}

TEST(Any, TypeAndHash) {
  check_calls({
      {"TYPEOF", {decimal("1.5", 5, 1)}, "DECIMAL(5, 1)"},
      {"HASH_CODE", {str("hello")}, "99162322"},
      {"HASH_CODE", {str("数据")}, "830462"},
      {"HASH_CODE", {str("😀")}, "1772899"},
      {"HASH_CODE", {big(-1)}, "0"},
      {"HASH_CODE", {integer(-7)}, "-7"},
      {"HASH_CODE", {boolean_cell(true)}, "1231"},
      {"HASH_CODE", {null_of(Type::string())}, "NULL"},
  });
}

}  // namespace
}  // namespace slipstream::expr
