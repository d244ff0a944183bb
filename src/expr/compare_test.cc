#include "expr/compare.h"

#include <gtest/gtest.h>

#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

TEST(Compare, Numbers) {
  check_calls({
      {"=", {integer(1), big(1)}, "TRUE"},
      {"<>", {integer(1), integer(1)}, "FALSE"},
      {"<", {tiny(-1), integer(0)}, "TRUE"},
      {">=", {big(5), integer(5)}, "TRUE"},
      {"=", {dbl("NaN"), dbl("NaN")}, "TRUE"},
      {"<>", {dbl("NaN"), dbl("NaN")}, "FALSE"},
      {">", {dbl("NaN"), dbl("1")}, "FALSE"},
      {"<", {dbl("NaN"), dbl("1")}, "FALSE"},
      {"=", {dbl("0.0"), dbl("-0.0")}, "TRUE"},
      {"=", {decimal("1.50", 10, 2), decimal("1.5", 5, 1)}, "TRUE"},
      {">",
       {decimal("99999999999999999999999999999999999999", 38, 0), decimal("0.5", 38, 38)},
       "TRUE"},
      {"<",
       {decimal("-99999999999999999999999999999999999999", 38, 0), decimal("0.5", 38, 38)},
       "TRUE"},
      {"<", {integer(1), decimal("1.01", 5, 2)}, "TRUE"},
      {"=", {integer(1), null_of(Type::integer())}, "NULL"},
      {"=", {boolean_cell(true), boolean_cell(true)}, "TRUE"},
  });
}

TEST(Compare, Text) {
  check_calls({
      {"=", {str("abc"), str("abc")}, "TRUE"},
      {"<", {str("abc"), str("abd")}, "TRUE"},
      {"<", {str("ab"), str("abc")}, "TRUE"},
      {"<", {str(""), str("a")}, "TRUE"},
      {"<",
       {str("a long text that does not fit"), str("a long text that does not fit either")},
       "TRUE"},
      {">", {str("a long text, y"), str("a long text, x")}, "TRUE"},
      {">", {str("é"), str("z")}, "TRUE"},
      {"<=", {str("数据"), str("数据")}, "TRUE"},
      {"=", {{Type::character(3), "a"}, str("a")}, "FALSE"},
  });
}

TEST(Compare, TextWithOtherTypes) {
  EXPECT_EQ(evaluate_call("=", {str("1"), integer(1)}),
            "error: =: STRING is not comparable with INT: CAST one of them");
  EXPECT_EQ(evaluate_call(">", {decimal("1.5", 2, 1), str("1")}), "TRUE");
  EXPECT_EQ(evaluate_call("=", {date("2024-01-01"), str("2024-01-01")}), "TRUE");
  EXPECT_EQ(evaluate_call("<", {timestamp("2024-01-01 00:00:00"), str("2024-01-01 00:00:01")}),
            "TRUE");
  EXPECT_TRUE(evaluate_call("=", {boolean_cell(true), str("TRUE")})
                  .starts_with("error: =: BOOLEAN is not comparable"));
}

TEST(Compare, Times) {
  check_calls(
      {
          {"<", {date("2024-01-01"), timestamp("2024-01-01 00:00:01")}, "TRUE"},
          {"=", {timestamp("2024-01-01 00:00:00", 3), timestamp("2024-01-01 00:00:00", 9)}, "TRUE"},
          {"=", {timestamp("2024-01-01 08:00:00"), timestamp_ltz("2024-01-01 08:00:00")}, "TRUE"},
      },
      "Asia/Shanghai");
}

TEST(Compare, DistinctFromNeverAnswersNull) {
  const Cell none = null_of(Type::integer());
  check_calls({
      {"IS DISTINCT FROM", {integer(1), none}, "TRUE"},
      {"IS DISTINCT FROM", {none, none}, "FALSE"},
      {"IS DISTINCT FROM", {integer(1), integer(1)}, "FALSE"},
      {"IS NOT DISTINCT FROM", {none, none}, "TRUE"},
      {"IS NOT DISTINCT FROM", {integer(1), none}, "FALSE"},
      {"IS NOT DISTINCT FROM", {integer(1), integer(2)}, "FALSE"},
  });
  EXPECT_EQ(call_type("IS DISTINCT FROM", {Type::integer(), Type::integer()}), "BOOLEAN NOT NULL");
}

TEST(Compare, NestedTypesKnowOnlyEquality) {
  const Type ints = Type::array(Type::integer());
  EXPECT_EQ(call_type("=", {ints, ints}), "BOOLEAN");
  EXPECT_TRUE(call_type("<", {ints, ints}).starts_with("error: <:"));
}

TEST(Logic, TruthTests) {
  const Cell unknown = null_of(Type::boolean());
  check_calls({
      {"IS TRUE", {boolean_cell(true)}, "TRUE"},
      {"IS TRUE", {unknown}, "FALSE"},
      {"IS NOT TRUE", {unknown}, "TRUE"},
      {"IS FALSE", {boolean_cell(false)}, "TRUE"},
      {"IS NOT FALSE", {unknown}, "TRUE"},
      {"IS UNKNOWN", {unknown}, "TRUE"},
      {"IS NOT UNKNOWN", {boolean_cell(false)}, "TRUE"},
  });
  EXPECT_TRUE(evaluate_call("IS TRUE", {integer(1)}).starts_with("error: no IS TRUE(INT)"));
}

TEST(In, ListsOfEveryKind) {
  const Cell none = null_of(Type::integer());
  check_calls({
      {"IN", {integer(2), integer(1), integer(2)}, "TRUE"},
      {"IN", {integer(3), integer(1), big(2)}, "FALSE"},
      {"IN", {integer(3), integer(1), none}, "NULL"},
      {"IN", {integer(1), integer(1), none}, "TRUE"},
      {"IN", {none, integer(1)}, "NULL"},
      {"IN", {integer(1), str("1")}, "TRUE"},
      {"IN", {str("b"), str("a"), str("b")}, "TRUE"},
      {"IN",
       {str("a text beyond twelve bytes"), str("x"), str("a text beyond twelve bytes")},
       "TRUE"},
      {"IN", {decimal("1.5", 5, 1), decimal("1.50", 5, 2)}, "TRUE"},
      {"IN", {dbl("NaN"), dbl("NaN")}, "TRUE"},
      {"IN", {date("2024-01-01"), str("2024-01-01")}, "TRUE"},
      {"IN", {{Type::boolean(), "true"}, {Type::boolean(), "false"}}, "FALSE"},
  });
}

TEST(In, MixesConstantsAndColumns) {
  const ExprPtr e = *bind_call(*find_function("IN"), {column(0, Type::integer()), int_literal(1),
                                                      column(1, Type::integer()), int_literal(3)});
  auto program = *Program::compile({e}, test_context());
  const Batch batch(4, {column_of(Type::integer(), {"1", "2", "2", "5"}),
                        column_of(Type::integer(), {"9", "2", std::nullopt, "6"})});
  const auto columns = *program->run(batch);
  EXPECT_EQ(columns[0]->data<std::uint8_t>()[0], 1);
  EXPECT_EQ(columns[0]->data<std::uint8_t>()[1], 1);
  EXPECT_TRUE(columns[0]->is_null(2));
  EXPECT_FALSE(columns[0]->is_null(3));
  EXPECT_EQ(columns[0]->data<std::uint8_t>()[3], 0);
}

TEST(Like, Patterns) {
  const auto like = [](const std::string& text, const std::string& pattern) {
    return evaluate_call("LIKE", {str(text), str(pattern)});
  };
  EXPECT_EQ(like("abc", "abc"), "TRUE");
  EXPECT_EQ(like("abc", "ab"), "FALSE");
  EXPECT_EQ(like("abc", "a%"), "TRUE");
  EXPECT_EQ(like("abc", "%c"), "TRUE");
  EXPECT_EQ(like("abc", "%b%"), "TRUE");
  EXPECT_EQ(like("abc", "%d%"), "FALSE");
  EXPECT_EQ(like("a", "a%a"), "FALSE");
  EXPECT_EQ(like("aXbYc", "a%b%c"), "TRUE");
  EXPECT_EQ(like("", "%"), "TRUE");
  EXPECT_EQ(like("", "_"), "FALSE");
  EXPECT_EQ(like("数据", "__"), "TRUE");
  EXPECT_EQ(like("数据", "_据"), "TRUE");
  EXPECT_EQ(like("数据流", "%_流"), "TRUE");
  EXPECT_EQ(like("xaby", "%a_%"), "TRUE");
  EXPECT_EQ(like("xa", "%a_%"), "FALSE");
  EXPECT_EQ(like("a\nb", "a%b"), "TRUE");
  EXPECT_EQ(like("a.c", "a.c"), "TRUE");
  EXPECT_EQ(like("abc", "a.c"), "FALSE");
}

TEST(Like, Escape) {
  check_calls({
      {"LIKE", {str("100%"), str("100!%"), str("!")}, "TRUE"},
      {"LIKE", {str("100x"), str("100!%"), str("!")}, "FALSE"},
      {"LIKE", {str("a_b"), str("a!_b"), str("!")}, "TRUE"},
      {"LIKE", {str("a!b"), str("a!!b"), str("!")}, "TRUE"},
      {"LIKE", {null_of(Type::string()), str("a")}, "NULL"},
  });
  EXPECT_TRUE(evaluate_call("LIKE", {str("a"), str("a!b"), str("!")}).find("escape character") !=
              std::string::npos);
  EXPECT_TRUE(evaluate_call("LIKE", {str("a"), str("a"), str("!!")}).find("ESCAPE must be one") !=
              std::string::npos);
}

TEST(Like, PatternFromAColumn) {
  const ExprPtr e =
      *bind_call(*find_function("LIKE"), {column(0, Type::string()), column(1, Type::string())});
  auto program = *Program::compile({e}, test_context());
  const Batch batch(3, {column_of(Type::string(), {"abc", "abc", "abc"}),
                        column_of(Type::string(), {"a%", "b%", "_bc"})});
  EXPECT_EQ(*program->select(batch), (std::vector<std::uint32_t>{0, 2}));
}

}  // namespace
}  // namespace slipstream::expr
