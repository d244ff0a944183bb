#include <string>

#include <gtest/gtest.h>

#include "sql/parse/parser.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

std::string canonical(const std::string& text) {
  const ParseResult first = parse_script(text);
  if (!first.ok()) return render_diagnostic(text, "sql", first.diagnostics.front());
  if (first.statements.size() != 1) return "not one statement";
  std::string printed = to_sql(*first.statements.front());
  const ParseResult second = parse_script(printed);
  EXPECT_TRUE(second.ok()) << text << "\nwas printed as\n" << printed;
  if (second.ok()) {
    EXPECT_EQ(to_sql(*second.statements.front()), printed);
  }
  return printed;
}

void unchanged(const std::string& text) { EXPECT_EQ(canonical(text), text); }

const ast::SelectBody& select_of(const ParseResult& result) {
  const auto& statement = ast::as<ast::QueryStatement>(*result.statements.at(0));
  return ast::as<ast::SelectBody>(*statement.query->body);
}

TEST(ParseQuery, Selects) {
  for (const char* text :
       {"SELECT 1", "SELECT *", "SELECT * FROM t", "SELECT t.*, db.t.*, a AS b FROM t AS x",
        "SELECT DISTINCT a FROM t",
        ("SELECT a FROM t WHERE a > 1 GROUP BY a HAVING COUNT(*) > 1 ORDER BY a DESC NULLS LAST "
         "LIMIT 10 OFFSET 2"),
        "SELECT a FROM cat.db.t", "SELECT COUNT(*) AS `count` FROM t GROUP BY ()",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a), (a, b), ())",
        "SELECT a FROM t GROUP BY ROLLUP ((a), (b, c))", "SELECT a FROM t GROUP BY CUBE ((a), (b))",
        "SELECT SUM(a) OVER w FROM t WINDOW w AS (ORDER BY ts)",
        "SELECT /*+ STATE_TTL('a' = '1d') */ a FROM t", "SELECT a.b.c FROM t",
        "SELECT ROW(1, 2).a"}) {
    unchanged(text);
  }
  EXPECT_EQ(canonical("select a b from t x"), "SELECT a AS b FROM t AS x");
  EXPECT_EQ(canonical("SELECT ALL a FROM t FETCH FIRST 5 ROWS ONLY"), "SELECT a FROM t LIMIT 5");
  EXPECT_EQ(canonical("SELECT a FROM t LIMIT ALL"), "SELECT a FROM t");
}

TEST(ParseQuery, SetOperationsAndValues) {
  for (const char* text :
       {"SELECT 1 UNION ALL SELECT 2 UNION SELECT 3",
        "SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 3",
        "(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3",
        "SELECT 1 EXCEPT (SELECT 2 EXCEPT SELECT 3)", "VALUES (1, 'a'), (2, 'b')", "VALUES 1, 2",
        "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 1", "((SELECT 1))", "TABLE t",
        "SELECT * FROM ((SELECT 1) UNION ALL (SELECT 2)) AS t"}) {
    unchanged(text);
  }
  const ParseResult result = parse_script("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3");
  const auto& query = *ast::as<ast::QueryStatement>(*result.statements.at(0)).query;
  const auto& top = ast::as<ast::SetOperation>(*query.body);
  EXPECT_EQ(top.op, ast::SetOperator::kUnion);
  EXPECT_EQ(ast::as<ast::SetOperation>(*top.right).op, ast::SetOperator::kIntersect);
}

TEST(ParseQuery, CommonTables) {
  unchanged("WITH a AS (SELECT 1), b (x, y) AS (VALUES (1, 2)) SELECT * FROM a, b");
  unchanged("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) AS t(c)");
}

TEST(ParseQuery, Joins) {
  for (const char* text :
       {"SELECT * FROM a JOIN b ON a.id = b.id",
        "SELECT * FROM a LEFT JOIN b ON a.id = b.id AND a.x > 1",
        "SELECT * FROM a RIGHT JOIN b USING (id)", "SELECT * FROM a FULL JOIN b ON TRUE",
        "SELECT * FROM a CROSS JOIN b", "SELECT * FROM a NATURAL JOIN b",
        "SELECT * FROM a, b, c WHERE a.x = b.x", "SELECT * FROM a, b JOIN c ON b.x = c.x",
        "SELECT * FROM a JOIN b ON x JOIN c ON y", "SELECT * FROM a JOIN (b JOIN c ON x) ON y",
        "SELECT * FROM (a, b) JOIN c ON x",
        "SELECT * FROM a JOIN b FOR SYSTEM_TIME AS OF a.ts AS c ON a.id = c.id",
        "SELECT * FROM a LEFT JOIN LATERAL TABLE(f(a.x)) AS t(y) ON TRUE",
        "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) AS c",
        "SELECT * FROM a CROSS JOIN UNNEST(a.items) WITH ORDINALITY AS u(item, n)"}) {
    unchanged(text);
  }
  EXPECT_EQ(canonical("SELECT * FROM a INNER JOIN b ON x LEFT OUTER JOIN c ON y"),
            "SELECT * FROM a JOIN b ON x LEFT JOIN c ON y");
}

TEST(ParseQuery, WindowTableFunctions) {
  unchanged(
      "SELECT window_start, window_end, SUM(price) AS total FROM TABLE(TUMBLE(TABLE bid, "
      "DESCRIPTOR(ts), INTERVAL "
      "'10' MINUTE)) GROUP BY window_start, window_end");
  unchanged(
      "SELECT * FROM TABLE(HOP(DATA => TABLE bid, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '5' "
      "MINUTE, "
      "SIZE => INTERVAL '10' MINUTE)) AS w");
  unchanged(
      "SELECT * FROM TABLE(SESSION(TABLE bid PARTITION BY (item), DESCRIPTOR(ts), INTERVAL '5' "
      "MINUTE))");
  EXPECT_EQ(canonical("SELECT * FROM TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' MINUTES) w"),
            "SELECT * FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' MINUTE)) AS w");
  EXPECT_EQ(
      canonical(
          "SELECT * FROM TUMBLE(TABLE (SELECT * FROM bid), DESCRIPTOR(ts), INTERVAL '1' DAY)"),
      "SELECT * FROM TABLE(TUMBLE(TABLE (SELECT * FROM bid), DESCRIPTOR(ts), INTERVAL '1' DAY))");
  const ParseResult result =
      parse_script("SELECT * FROM TUMBLE(TABLE 订单, DESCRIPTOR(时间), INTERVAL '1' DAY)");
  ASSERT_TRUE(result.ok());
  const auto& function = ast::as<ast::FunctionTable>(*select_of(result).from);
  const auto& call = ast::as<ast::CallExpr>(*function.call);
  ASSERT_EQ(call.arguments.size(), 3U);
  EXPECT_EQ(ast::as<ast::TableArgument>(*call.arguments[0]).name->text(), "订单");
  EXPECT_EQ(ast::as<ast::DescriptorExpr>(*call.arguments[1]).columns.at(0).name, "时间");
}

TEST(ParseQuery, LegacyGroupWindowIsACall) {
  unchanged(
      "SELECT TUMBLE_END(ts, INTERVAL '1' HOUR), COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' "
      "HOUR)");
}

TEST(ParseQuery, TableHints) {
  EXPECT_EQ(
      canonical("SELECT * FROM t /*+ OPTIONS('scan.startup.mode'='earliest', 'a'='b') */ AS x"),
      "SELECT * FROM t /*+ OPTIONS('scan.startup.mode' = 'earliest', 'a' = 'b') */ AS x");
  unchanged("INSERT INTO t /*+ OPTIONS('sink.parallelism' = '2') */ SELECT 1");
  EXPECT_EQ(canonical("SELECT /*+ BROADCAST(b), LOOKUP('table'='b') */ 1"),
            "SELECT /*+ BROADCAST('b'), LOOKUP('table' = 'b') */ 1");
}

TEST(ParseQuery, SubqueriesEverywhere) {
  unchanged(
      "SELECT (SELECT MAX(a) FROM t) + 1 FROM u WHERE EXISTS (SELECT 1 FROM t) AND a IN (SELECT b "
      "FROM t)");
  EXPECT_EQ(canonical("SELECT ((SELECT 1) + 2)"), "SELECT (SELECT 1) + 2");
  EXPECT_EQ(canonical("SELECT a IN ((SELECT 1) UNION (SELECT 2))"),
            "SELECT a IN ((SELECT 1) UNION (SELECT 2))");
}

// The join of the IoT case, Chinese names bare and quoted.
TEST(ParseQuery, ChineseJoin) {
  unchanged(
      "SELECT 设备表.设备ID, 设备表.`区域`, 传感器表.传感器ID FROM 传感器表 JOIN 设备表 ON "
      "传感器表.传感器ID = "
      "设备表.传感器ID WHERE TRY_CAST(传感器表.数据 AS INT) > 90");
}

TEST(ParseQuery, DepthIsBounded) {
  std::string nested = "SELECT 1";
  for (int i = 0; i < 500; ++i) nested = "SELECT * FROM (" + nested + ")";
  EXPECT_EQ(parse_script(nested).diagnostics.size(), 1U);
  std::string unions = "SELECT 1";
  for (int i = 0; i < 5000; ++i) unions += " UNION ALL SELECT 1";
  EXPECT_EQ(parse_script(unions).diagnostics.size(), 1U);
  std::string joins = "SELECT * FROM t";
  for (int i = 0; i < 5000; ++i) joins += ", t";
  EXPECT_EQ(parse_script(joins).diagnostics.size(), 1U);
  std::string parentheses = "SELECT * FROM ";
  for (int i = 0; i < 5000; ++i) parentheses += "(";
  EXPECT_EQ(parse_script(parentheses).diagnostics.size(), 1U);
}

}  // namespace
}  // namespace slipstream::sql
