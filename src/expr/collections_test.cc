#include <gtest/gtest.h>

#include "data/text/value.h"
#include "expr/testing/cells.h"

namespace slipstream::expr {
namespace {

using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::optional<std::string>>>;

const Type kTexts = Type::map(Type::string().not_null(), Type::string());

void append_map(const Pairs& pairs, ColumnBuilder& out) {
  for (const auto& [key, value] : pairs) {
    EXPECT_TRUE(text::parse(key, TimeZone(), out.child(0)));
    if (!value) {
      out.child(1).append_null();
    } else {
      EXPECT_TRUE(text::parse(*value, TimeZone(), out.child(1)));
    }
  }
  out.append_nested();
}

// No pairs: NULL.
ColumnPtr maps_of(const Type& type, const std::vector<std::optional<Pairs>>& rows) {
  ColumnBuilder builder(type);
  for (const auto& row : rows) {
    if (row) {
      append_map(*row, builder);
    } else {
      builder.append_null();
    }
  }
  return builder.finish();
}

ColumnPtr arrays_of(const std::vector<std::optional<std::vector<std::int32_t>>>& rows) {
  ColumnBuilder builder(Type::array(Type::integer()));
  for (const auto& row : rows) {
    if (!row) {
      builder.append_null();
      continue;
    }
    for (const std::int32_t value : *row) builder.child(0).append(value);
    builder.append_nested();
  }
  return builder.finish();
}

// The value of function(column, argument), row by row.
Texts values_of(const std::string& function, const ColumnPtr& from, std::vector<ExprPtr> arguments,
                std::vector<ColumnPtr> more = {}) {
  arguments.insert(arguments.begin(), column(0, from->type(), "c"));
  auto call = bind_call(*find_function(function), std::move(arguments));
  if (!call.ok()) return {"error: " + call.error().message};
  auto program = Program::compile({*call}, test_context());
  if (!program.ok()) return {"error: " + program.error().message};
  more.insert(more.begin(), from);
  auto columns = (*program)->run(Batch(from->size(), std::move(more)));
  if (!columns.ok()) return {"error: " + columns.error().message};
  const Column& result = *(*columns)[0];
  EXPECT_TRUE(same_type(result.type(), (*call)->type));
  Texts shown;
  for (std::size_t row = 0; row < from->size(); ++row)
    shown.push_back(text::to_text(result, row, TimeZone()));
  return shown;
}

TEST(Collections, ElementOfAMapIsNullWithoutItsKey) {
  const ColumnPtr maps = maps_of(
      kTexts, {Pairs{{"a", "a value longer than a view"}, {"b", "2"}}, std::nullopt, Pairs{},
               Pairs{{"b", "3"}, {"a", std::nullopt}}, Pairs{{"A", "no"}, {"a", "4"}}});
  EXPECT_EQ(values_of("[KEY]", maps, {string_literal("a")}),
            (Texts{"a value longer than a view", "NULL", "NULL", "NULL", "4"}));
  EXPECT_EQ(values_of("[KEY]", maps, {string_literal("c")}),
            (Texts{"NULL", "NULL", "NULL", "NULL", "NULL"}));
  EXPECT_EQ(values_of("[KEY]", maps, {null_literal(Type::null())}),
            (Texts{"NULL", "NULL", "NULL", "NULL", "NULL"}));
}

TEST(Collections, KeysMayDifferFromRowToRow) {
  const ColumnPtr maps = maps_of(
      kTexts, {Pairs{{"a", "1"}, {"b", "2"}}, Pairs{{"a", "3"}, {"b", "4"}}, Pairs{{"a", "5"}}});
  const ColumnPtr keys = column_of(Type::string(), {"b", "a", std::nullopt});
  EXPECT_EQ(values_of("[KEY]", maps, {column(1, Type::string(), "k")}, {keys}),
            (Texts{"2", "3", "NULL"}));
}

TEST(Collections, OfEqualKeysTheLastCounts) {
  const ColumnPtr maps = maps_of(kTexts, {Pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}});
  EXPECT_EQ(values_of("[KEY]", maps, {string_literal("a")}), (Texts{"3"}));
}

TEST(Collections, KeysAndValuesOfOtherTypes) {
  const Type numbers = Type::map(Type::bigint(), Type::decimal(5, 2));
  const ColumnPtr maps = maps_of(numbers, {Pairs{{"0", "1.50"}, {"7", "2.25"}}, Pairs{}});
  EXPECT_EQ(values_of("[KEY]", maps, {int_literal(7)}), (Texts{"2.25", "NULL"}));
  EXPECT_EQ(values_of("[KEY]", maps, {int_literal(0)}), (Texts{"1.50", "NULL"}));
  EXPECT_EQ(call_type("[KEY]", {numbers, Type::integer()}), "DECIMAL(5, 2)");
  EXPECT_EQ(call_type("[KEY]", {numbers.not_null(), Type::bigint().not_null()}), "DECIMAL(5, 2)");
  EXPECT_EQ(call_type("[KEY]", {numbers, Type::string()}),
            "error: a key of MAP<BIGINT, DECIMAL(5, 2)> is BIGINT, and this is STRING");
  EXPECT_EQ(call_type("[KEY]", {kTexts, Type::integer()}),
            "error: a key of MAP<STRING NOT NULL, STRING> is STRING, and this is INT");
}

TEST(Collections, ElementOfAnArrayCountsFromOne) {
  const ColumnPtr arrays = arrays_of({std::vector<std::int32_t>{10, 20, 30}, std::nullopt,
                                      std::vector<std::int32_t>{}, std::vector<std::int32_t>{40}});
  EXPECT_EQ(values_of("[INDEX]", arrays, {int_literal(1)}), (Texts{"10", "NULL", "NULL", "40"}));
  EXPECT_EQ(values_of("[INDEX]", arrays, {bigint_literal(3)}),
            (Texts{"30", "NULL", "NULL", "NULL"}));
  const ColumnPtr indices = column_of(Type::integer(), {"2", "1", "1", "0"});
  EXPECT_EQ(values_of("[INDEX]", arrays, {column(1, Type::integer(), "i")}, {indices}),
            (Texts{"20", "NULL", "NULL", "NULL"}));
  EXPECT_EQ(values_of("[INDEX]", arrays, {int_literal(0)}),
            (Texts{"error: c[CAST(0 AS BIGINT)]: the first element of an ARRAY has the index 1, "
                   "and this is 0"}));
  EXPECT_EQ(call_type("[INDEX]", {Type::array(Type::integer()), Type::string()}),
            "error: the index of an ARRAY is an integer, and this is STRING");
}

TEST(Collections, OnlySelectedRowsAreLookedAt) {
  const ColumnPtr maps = maps_of(kTexts, {Pairs{{"a", "1"}}, std::nullopt, Pairs{{"a", "3"}}});
  const ExprPtr e =
      case_when({is_null(column(0, kTexts, "m"), true),
                 *bind_call(*find_function("[KEY]"), {column(0, kTexts, "m"), string_literal("a")}),
                 string_literal("none")},
                Type::string());
  auto program = Program::compile({e}, test_context());
  ASSERT_TRUE(program.ok()) << program.error().message;
  auto columns = (*program)->run(Batch(3, {maps}));
  ASSERT_TRUE(columns.ok()) << columns.error().message;
  Texts shown;
  for (std::size_t row = 0; row < 3; ++row)
    shown.push_back(text::to_text(*(*columns)[0], row, TimeZone()));
  EXPECT_EQ(shown, (Texts{"1", "none", "3"}));
}

TEST(Collections, Cardinality) {
  EXPECT_EQ(values_of("CARDINALITY",
                      maps_of(kTexts, {Pairs{{"a", "1"}, {"b", "2"}}, std::nullopt, Pairs{}}), {}),
            (Texts{"2", "NULL", "0"}));
  EXPECT_EQ(values_of("CARDINALITY", arrays_of({std::vector<std::int32_t>{1, 2, 3}}), {}),
            (Texts{"3"}));
  EXPECT_EQ(call_type("CARDINALITY", {Type::string()}),
            "error: no CARDINALITY(STRING); usage: CARDINALITY(map, array or multiset)");
}

TEST(Collections, Text) {
  const ExprPtr element =
      *bind_call(*find_function("[KEY]"), {column(0, kTexts, "properties"), string_literal("a")});
  EXPECT_EQ(to_string(*element), "properties['a']");
}

}  // namespace
}  // namespace slipstream::expr
