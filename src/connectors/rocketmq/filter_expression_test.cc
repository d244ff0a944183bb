#include "connectors/rocketmq/filter_expression.h"

#include <utility>
#include <vector>

#include <gmock/gmock.h>

namespace slipstream::rocketmq_connector {
namespace {

using Kind = ElementCondition::Kind;
using Texts = std::vector<std::string>;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ElementCondition of_property(Kind kind, const std::string& key, Texts texts = {}) {
  ElementCondition condition;
  condition.kind = kind;
  condition.column = "properties";
  condition.is_metadata = true;
  condition.key = key;
  condition.texts = std::move(texts);
  return condition;
}
ElementCondition all_of(Kind kind, std::vector<ElementCondition> operands) {
  ElementCondition condition;
  condition.kind = kind;
  condition.operands = std::move(operands);
  return condition;
}
ElementCondition equals(const std::string& key, const std::string& text) {
  return of_property(Kind::kEqualsAny, key, {text});
}

constexpr std::string_view kBefore = "INNER_NUM IS NOT NULL OR (";

// Without what stands around every expression.
std::string sql_of(const std::vector<ElementCondition>& conditions) {
  const std::string sql = filter_expression(conditions);
  if (sql.empty()) return sql;
  EXPECT_TRUE(sql.starts_with(kBefore) && sql.ends_with(")")) << sql;
  return sql.substr(kBefore.size(), sql.size() - kBefore.size() - 1);
}

TEST(FilterExpression, Comparisons) {
  const struct {
    ElementCondition condition;
    std::string sql;
  } cases[] = {
      {equals("a", "x"), "a = 'x'"},
      {of_property(Kind::kEqualsAny, "a", {"x", "y"}), "a IN ('x', 'y')"},
      // a missing property is none of them for brokers, and so is an empty one, which is a text here
      {of_property(Kind::kEqualsNone, "a", {"x"}), "(a IS NULL OR a <> 'x')"},
      {of_property(Kind::kEqualsNone, "a", {"x", "y"}), "(a IS NULL OR a NOT IN ('x', 'y'))"},
      {equals("a", ""), "a IS NULL"},
      {of_property(Kind::kEqualsAny, "a", {"", "x"}), "(a IS NULL OR a = 'x')"},
      {of_property(Kind::kEqualsNone, "a", {""}), "a IS NOT NULL"},
      {of_property(Kind::kEqualsNone, "a", {"x", ""}), "a <> 'x'"},
      {of_property(Kind::kIsNull, "a"), "a IS NULL"},
      {of_property(Kind::kIsNotNull, "a"), ""},
      // what looks like a number stays a text
      {equals("a", "1"), "a = '1'"},
      {equals("a", "it's '"), "a = 'it''s '''"},
      {equals("a", "--"), "a = '--'"},
      {equals("a", "\xC3\xA4\xF0\x9F\x98\x80"), "a = '\xC3\xA4\xF0\x9F\x98\x80'"},
  };
  for (const auto& [condition, sql] : cases) EXPECT_EQ(sql_of({condition}), sql);
}

TEST(FilterExpression, WhatBrokersWouldReadInAnotherWayIsLeftAway) {
  for (const char* key : {"", "a-b", "1a", "a b", "a.b", "\xC3\xA4", "in", "Not", "CONTAINS",
                          "null", "TAGS", "KEYS", "UNIQ_KEY", "__SHARDINGKEY"})
    EXPECT_EQ(sql_of({equals(key, "x")}), "") << key;
  for (const char* key : {"a", "_a1", "$a", "index"})
    EXPECT_EQ(sql_of({equals(key, "x")}), std::string(key) + " = 'x'");
  for (const char* text : {"a\nb", "\x01", "\x7F", "\xFF", "\xEF\xBF\xBD", "\xED\xA0\x80"})
    EXPECT_EQ(sql_of({equals("a", text)}), "");
  ElementCondition physical = equals("a", "x");
  physical.is_metadata = false;
  EXPECT_EQ(sql_of({physical}), "");
  ElementCondition other = equals("a", "x");
  other.column = "topic";
  EXPECT_EQ(sql_of({other}), "");
  other.column = "__properties__";
  EXPECT_EQ(sql_of({other}), "a = 'x'");
}

TEST(FilterExpression, AndNeedsOneOperandOrNeedsAll) {
  const ElementCondition x = equals("a", "x");
  const ElementCondition y = of_property(Kind::kIsNull, "b");
  const ElementCondition unknown = of_property(Kind::kIsNotNull, "c");
  EXPECT_EQ(sql_of({x, y}), "a = 'x' AND b IS NULL");
  EXPECT_EQ(sql_of({unknown, y}), "b IS NULL");
  EXPECT_EQ(sql_of({all_of(Kind::kOr, {x, y}), x}), "(a = 'x' OR b IS NULL) AND a = 'x'");
  EXPECT_EQ(sql_of({all_of(Kind::kOr, {x, unknown})}), "");
  EXPECT_EQ(sql_of({all_of(Kind::kAnd, {unknown, x})}), "(a = 'x')");
  EXPECT_EQ(sql_of({all_of(Kind::kAnd, {unknown})}), "");
  EXPECT_EQ(sql_of({all_of(Kind::kOr, {all_of(Kind::kAnd, {x, y}), y})}),
            "((a = 'x' AND b IS NULL) OR b IS NULL)");
  EXPECT_EQ(filter_expression({}), "");
}

// A batch that is stored as one message has no properties of its own messages.
TEST(FilterExpression, BatchesAlwaysPass) {
  EXPECT_EQ(filter_expression(std::vector<ElementCondition>{equals("a", "x")}),
            "INNER_NUM IS NOT NULL OR (a = 'x')");
}

TEST(FilterExpression, WhatIsTooLongIsLeftAway) {
  const ElementCondition large = equals("a", std::string(kFilterBytesMax, 'x'));
  EXPECT_EQ(sql_of({large}), "");
  EXPECT_EQ(sql_of({large, equals("b", "y")}), "b = 'y'");
  std::vector<ElementCondition> many(1'000, equals("a", "x"));
  const std::string sql = filter_expression(many);
  EXPECT_THAT(sql, HasSubstr("a = 'x' AND a = 'x'"));
  EXPECT_THAT(sql, SizeIs(::testing::Le(kFilterBytesMax)));
}

}  // namespace
}  // namespace slipstream::rocketmq_connector
