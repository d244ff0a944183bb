#include <string>

#include <gtest/gtest.h>

#include "sql/parse/parser.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

// The canonical text, after checking that it parses to itself.
std::string canonical(const std::string& text) {
  ExpressionResult first = parse_expression(text);
  if (!first.diagnostics.empty()) return render_diagnostic(text, "sql", first.diagnostics.front());
  std::string printed = to_sql(*first.expr);
  ExpressionResult second = parse_expression(printed);
  EXPECT_TRUE(second.diagnostics.empty()) << text << " was printed as " << printed;
  if (second.expr != nullptr) {
    EXPECT_EQ(to_sql(*second.expr), printed);
  }
  return printed;
}

void unchanged(const std::string& text) { EXPECT_EQ(canonical(text), text); }

template <typename T>
std::unique_ptr<ast::Expr> parsed_as(const std::string& text) {
  ExpressionResult result = parse_expression(text);
  EXPECT_TRUE(result.diagnostics.empty()) << text;
  EXPECT_EQ(result.expr->kind, T::kKind) << text;
  return std::move(result.expr);
}

TEST(ParseExpression, LiteralsKeepTheirText) {
  for (const char* text : {"1", "1.5", ".5", "1e5", "1.5E-3", "'it''s'", "''", "'多行\n文本'",
                           "X'00ff'", "NULL", "TRUE", "FALSE", "UNKNOWN", "DATE '2024-02-29'",
                           "TIME '10:00:00'", "TIMESTAMP '2024-01-01 00:00:00.123'"}) {
    unchanged(text);
  }
  EXPECT_EQ(canonical("true"), "TRUE");
  EXPECT_EQ(canonical("x'00FF'"), "X'00ff'");
}

TEST(ParseExpression, Intervals) {
  unchanged("INTERVAL '5' SECOND");
  unchanged("INTERVAL '100' SECOND(3)");
  unchanged("INTERVAL '1:30' HOUR TO MINUTE");
  unchanged("INTERVAL '1 2:34:56.789' DAY(3) TO SECOND(3)");
  unchanged("INTERVAL '1-5' YEAR TO MONTH");
  unchanged("INTERVAL -'1' DAY");
  EXPECT_EQ(canonical("INTERVAL '10' MINUTES"), "INTERVAL '10' MINUTE");
  EXPECT_EQ(canonical("INTERVAL 5 DAY"), "INTERVAL '5' DAY");
  const auto expr = parsed_as<ast::IntervalLiteral>("INTERVAL '1:30' HOUR TO MINUTE");
  const auto& interval = ast::as<ast::IntervalLiteral>(*expr);
  EXPECT_EQ(interval.qualifier.start, ast::TimeUnit::kHour);
  EXPECT_EQ(interval.qualifier.end, ast::TimeUnit::kMinute);
  EXPECT_EQ(interval.text, "1:30");
}

// Each left text must mean the same as the right one, whose parentheses say how.
TEST(ParseExpression, PrecedenceIsCalcites) {
  constexpr std::pair<const char*, const char*> kSame[] = {
      {"a OR b AND c", "a OR (b AND c)"},
      {"NOT a AND b", "(NOT a) AND b"},
      {"NOT a = b", "NOT (a = b)"},
      {"NOT a IS NULL", "NOT (a IS NULL)"},
      {"a = b IS NULL", "(a = b) IS NULL"},
      {"a + b * c", "a + (b * c)"},
      {"a - b - c", "(a - b) - c"},
      {"a || b + c", "(a || b) + c"},
      {"a + b = c + d", "(a + b) = (c + d)"},
      {"a = b LIKE c", "a = (b LIKE c)"},
      {"a = b IN (1)", "a = (b IN (1))"},
      {"a BETWEEN 1 + 1 AND 2 AND b", "(a BETWEEN (1 + 1) AND 2) AND b"},
      {"-a * b", "(-a) * b"},
      {"a < b = c", "(a < b) = c"},
      {"a IS DISTINCT FROM b + 1", "a IS DISTINCT FROM (b + 1)"},
      {"- a[1]", "-(a[1])"},
  };
  for (const auto& [plain, explained] : kSame) {
    EXPECT_EQ(canonical(plain), canonical(explained)) << plain;
  }
}

TEST(ParseExpression, ParenthesesThatMatterAreKept) {
  for (const char* text :
       {"(a OR b) AND c", "(a + b) * c", "a - (b - c)", "NOT (a AND b)", "(NOT a) = b",
        "(a = b) LIKE c", "-(-1)", "(a, b) = (1, 2)", "(a).b", "f(x).b", "a[1].b",
        "(a IS NULL) = b", "a BETWEEN (b AND c) AND d", "(a AND b) AND c"}) {
    unchanged(text);
  }
}

TEST(ParseExpression, AndChainsAreFlat) {
  std::string text = "a";
  for (int i = 0; i < 5000; ++i) text += " OR a";
  const auto expr = parsed_as<ast::LogicalExpr>(text);
  EXPECT_EQ(ast::as<ast::LogicalExpr>(*expr).operands.size(), 5001U);
}

TEST(ParseExpression, Predicates) {
  for (const char* text :
       {"a IS NOT NULL", "a IS TRUE", "a IS NOT FALSE", "a IS UNKNOWN", "a IS DISTINCT FROM b",
        "a IS NOT DISTINCT FROM NULL", "a NOT BETWEEN 1 AND 2", "a BETWEEN SYMMETRIC 2 AND 1",
        "a NOT IN (1, 2, NULL)", "a IN (SELECT b FROM t)", "a NOT LIKE 'x!%' ESCAPE '!'",
        "a SIMILAR TO '[a-c]+'", "a NOT SIMILAR TO 'x'", "EXISTS (SELECT 1)",
        "NOT EXISTS (SELECT 1)", "(SELECT MAX(a) FROM t) > 1", "a <> b", "a % 2 = 0",
        "a IS NOT JSON"}) {
    unchanged(text);
  }
}

TEST(ParseExpression, CaseAndCast) {
  unchanged("CASE WHEN a > 1 THEN 'x' WHEN a > 0 THEN 'y' ELSE 'z' END");
  unchanged("CASE a WHEN 1 THEN 'x' END");
  unchanged("CAST(a AS DECIMAL(10, 2))");
  unchanged("TRY_CAST(`数据` AS INT)");
  const auto expr = parsed_as<ast::CastExpr>("try_cast(a as bigint)");
  EXPECT_TRUE(ast::as<ast::CastExpr>(*expr).is_try);
}

TEST(ParseExpression, SpecialCallForms) {
  for (const char* text : {"EXTRACT(DAY FROM ts)",
                           "FLOOR(ts TO HOUR)",
                           "CEIL(ts TO DAY)",
                           "FLOOR(1.5)",
                           "TRIM(BOTH 'x' FROM a)",
                           "TRIM(a)",
                           "POSITION('a' IN b)",
                           "OVERLAY(a PLACING b FROM 1 FOR 2)",
                           "TIMESTAMPADD(DAY, 1, ts)",
                           "TIMESTAMPDIFF(MINUTE, a, b)",
                           "CURRENT_TIMESTAMP",
                           "LOCALTIME",
                           "CURRENT_DATE",
                           "COUNT(*)",
                           "COUNT(DISTINCT a)",
                           "LEFT(a, 2)",
                           "YEAR(ts)",
                           "IF(a, b, c)",
                           "COALESCE(NULL, 1)",
                           "MOD(a, 2)",
                           "TUMBLE(ts, INTERVAL '1' HOUR)",
                           "cat.db.f(1)"}) {
    unchanged(text);
  }
  EXPECT_EQ(canonical("SUBSTRING(a FROM 2 FOR 3)"), "SUBSTRING(a, 2, 3)");
  EXPECT_EQ(canonical("SUBSTRING(a FROM 2)"), "SUBSTRING(a, 2)");
  EXPECT_EQ(canonical("TRIM('x' FROM a)"), "TRIM(BOTH 'x' FROM a)");
  EXPECT_EQ(canonical("TRIM(LEADING FROM a)"), "TRIM(LEADING ' ' FROM a)");
  EXPECT_EQ(canonical("TIMESTAMPADD(SQL_TSI_DAY, 1, ts)"), "TIMESTAMPADD(DAY, 1, ts)");
  const auto expr = parsed_as<ast::CallExpr>("extract(day from ts)");
  const auto& call = ast::as<ast::CallExpr>(*expr);
  EXPECT_EQ(call.simple_name(), "EXTRACT");
  ASSERT_EQ(call.arguments.size(), 2U);
  EXPECT_EQ(ast::as<ast::SymbolExpr>(*call.arguments[0]).name, "DAY");
}

TEST(ParseExpression, CallSuffixes) {
  for (const char* text :
       {"SUM(a) FILTER (WHERE b > 1)", "LISTAGG(a, ',') WITHIN GROUP (ORDER BY b DESC)",
        "ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST)", "SUM(a) OVER w",
        "FIRST_VALUE(a) IGNORE NULLS OVER (ORDER BY ts)",
        "SUM(a) OVER (PARTITION BY b ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        "SUM(a) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)",
        "SUM(a) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"}) {
    unchanged(text);
  }
}

TEST(ParseExpression, JsonFunctions) {
  for (const char* text :
       {"JSON_VALUE(a, '$.b')",
        "JSON_VALUE(a, 'lax $.b' RETURNING INT NULL ON EMPTY ERROR ON ERROR)",
        "JSON_VALUE(a, '$.b' DEFAULT -1 ON EMPTY DEFAULT 0 ON ERROR)",
        "JSON_EXISTS(a, '$.b' TRUE ON ERROR)",
        "JSON_QUERY(a, '$.b' WITH CONDITIONAL ARRAY WRAPPER EMPTY OBJECT ON ERROR)",
        "JSON_OBJECT(KEY 'a' VALUE 1, KEY 'b' VALUE c ABSENT ON NULL)",
        "JSON_ARRAY(1, 'a' NULL ON NULL)", "JSON_OBJECT()"}) {
    unchanged(text);
  }
}

TEST(ParseExpression, Constructors) {
  for (const char* text : {"ARRAY[1, 2]", "ARRAY[]", "MAP['a', 1, 'b', 2]", "ROW(1, 'x')", "a[1]",
                           "m['k'].x[2]", "ARRAY[1, 2][1]"}) {
    unchanged(text);
  }
}

TEST(ParseExpression, NamesInEveryScript) {
  unchanged("传感器.数据 + 温度1");
  unchanged("`传感器 数据`");
  unchanged("`a``b`");
  unchanged("t.`value`");
  unchanged("größe || Überschrift");
  unchanged("data");
  unchanged("type");
  unchanged("topic");
  unchanged("EXPR$0");
  const auto expr = parsed_as<ast::ColumnRef>("传感器.`数据`");
  const auto& column = ast::as<ast::ColumnRef>(*expr);
  ASSERT_EQ(column.name.parts.size(), 2U);
  EXPECT_EQ(column.name.parts[1].name, "数据");
  EXPECT_TRUE(column.name.parts[1].quoted);
  EXPECT_EQ(column.name.parts[1].span.column, 5U);
  EXPECT_EQ(column.name.text(), "传感器.数据");
}

TEST(ParseExpression, EveryNodeKnowsItsPlace) {
  const auto expr = parsed_as<ast::BinaryExpr>("  aa +\n  (bb * 2)");
  const auto& sum = ast::as<ast::BinaryExpr>(*expr);
  EXPECT_EQ(sum.span.line, 1U);
  EXPECT_EQ(sum.span.column, 3U);
  EXPECT_EQ(sum.span.length, 15U);
  EXPECT_EQ(sum.op_span.column, 6U);
  EXPECT_EQ(sum.right->span.line, 2U);
  EXPECT_EQ(sum.right->span.column, 3U);
  EXPECT_EQ(sum.right->span.length, 8U);
}

TEST(ParseExpression, Types) {
  for (const char* text : {"BOOLEAN",
                           "TINYINT",
                           "SMALLINT",
                           "INT",
                           "BIGINT",
                           "FLOAT",
                           "DOUBLE",
                           "DECIMAL",
                           "DECIMAL(10)",
                           "DECIMAL(10, 2)",
                           "CHAR",
                           "CHAR(3)",
                           "VARCHAR(10)",
                           "STRING",
                           "BINARY(2)",
                           "VARBINARY(3)",
                           "BYTES",
                           "DATE",
                           "TIME",
                           "TIME(3)",
                           "TIMESTAMP",
                           "TIMESTAMP(3)",
                           "TIMESTAMP_LTZ(3)",
                           "INTERVAL DAY TO SECOND(3)",
                           "INTERVAL YEAR(4) TO MONTH",
                           "ARRAY<INT>",
                           "MAP<STRING, ARRAY<INT NOT NULL>>",
                           "MULTISET<INT>",
                           "ROW<a INT, `value` STRING NOT NULL 'what it is', b ROW<c DATE>>",
                           "INT NOT NULL",
                           "INT NULL",
                           "ROW<>"}) {
    TypeResult type = parse_type(text);
    ASSERT_TRUE(type.diagnostics.empty())
        << render_diagnostic(text, "sql", type.diagnostics.front());
    EXPECT_EQ(to_sql(*type.type), text);
  }
  constexpr std::pair<const char*, const char*> kSynonyms[] = {
      {"integer", "INT"},
      {"DOUBLE PRECISION", "DOUBLE"},
      {"DEC(5)", "DECIMAL(5)"},
      {"NUMERIC(5, 1)", "DECIMAL(5, 1)"},
      {"CHARACTER VARYING(5)", "VARCHAR(5)"},
      {"TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"},
      {"TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"},
      {"INT ARRAY NOT NULL", "ARRAY<INT> NOT NULL"},
      {"ROW(a INT)", "ROW<a INT>"},
  };
  for (const auto& [written, meant] : kSynonyms) {
    TypeResult type = parse_type(written);
    ASSERT_TRUE(type.diagnostics.empty()) << written;
    EXPECT_EQ(to_sql(*type.type), meant);
  }
}

TEST(ParseExpression, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "1" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  EXPECT_TRUE(parse_expression(nested(150)).diagnostics.empty());
  const ExpressionResult deep = parse_expression(nested(100000));
  ASSERT_EQ(deep.diagnostics.size(), 1U);
  EXPECT_NE(deep.diagnostics[0].message.find("nested more than 200 levels"), std::string::npos);

  std::string chain = "1";
  for (int i = 0; i < 100000; ++i) chain += " + 1";
  const ExpressionResult tall = parse_expression(chain);
  ASSERT_EQ(tall.diagnostics.size(), 1U);
  EXPECT_NE(tall.diagnostics[0].message.find("more than 1000 operators"), std::string::npos);

  std::string types = "INT";
  for (int i = 0; i < 1000; ++i) types = "ARRAY<" + types + ">";
  EXPECT_EQ(parse_type(types).diagnostics.size(), 1U);
  std::string nots = "a";
  for (int i = 0; i < 10000; ++i) nots.insert(0, "NOT ");
  EXPECT_EQ(parse_expression(nots).diagnostics.size(), 1U);
}

}  // namespace
}  // namespace slipstream::sql
