#include <string>

#include <gtest/gtest.h>

#include "sql/parse/parser.h"
#include "sql/parse/printer.h"

namespace slipstream::sql {
namespace {

std::string rendered(const std::string& text) {
  std::string all;
  for (const Diagnostic& diagnostic : parse_script(text).diagnostics) {
    all += render_diagnostic(text, "job.sql", diagnostic);
  }
  return all;
}

struct Mistake {
  const char* text;
  std::uint32_t line;
  std::uint32_t column;
  const char* message;
  const char* fix;
};

void expect_mistakes(std::initializer_list<Mistake> mistakes) {
  for (const Mistake& mistake : mistakes) {
    const ParseResult result = parse_script(mistake.text);
    ASSERT_FALSE(result.diagnostics.empty()) << mistake.text;
    EXPECT_EQ(result.diagnostics.size(), 1U) << rendered(mistake.text);
    const Diagnostic& first = result.diagnostics.front();
    EXPECT_NE(first.message.find(mistake.message), std::string::npos) << mistake.text << "\n"
                                                                      << first.message;
    EXPECT_NE(first.fix.find(mistake.fix), std::string::npos) << mistake.text << "\n" << first.fix;
    EXPECT_EQ(first.line, mistake.line) << mistake.text;
    EXPECT_EQ(first.column, mistake.column) << mistake.text;
  }
}

TEST(ParseError, AllErrorsOfAFileInOneRun) {
  const std::string script =
      "CREATE TABLE a (x INT,);\n"
      "SELEC 1;\n"
      "SELECT 1;\n"
      "INSERT INTO b SELECT FROM a;\n"
      "SELECT 'x' WHERE (1 = 1;\n"
      "SELECT a != b FROM t;";
  const ParseResult result = parse_script(script);
  ASSERT_EQ(result.diagnostics.size(), 5U) << rendered(script);
  for (std::size_t i = 0; i < 5; ++i) {
    const std::uint32_t lines[] = {1, 2, 4, 5, 6};
    EXPECT_EQ(result.diagnostics[i].line, lines[i]);
  }
  // What could be seen past is there: the table with its column, SELECT 1, and a <> b.
  ASSERT_EQ(result.statements.size(), 3U);
  EXPECT_EQ(to_sql(*result.statements[0]), "CREATE TABLE a (x INT)");
  EXPECT_EQ(to_sql(*result.statements[2]), "SELECT a <> b FROM t");
}

TEST(ParseError, TrailingCommaNamesThePlace) {
  EXPECT_EQ(
      rendered("CREATE TABLE 传感器表 (\n  传感器ID STRING,\n  数据 STRING,\n) WITH ('a' = 'b');"),
      "job.sql:3:12: error: nothing stands between this comma and ')'\n"
      "  3 |   数据 STRING,\n"
      "    |              ^\n"
      "  fix: remove the comma\n");
  expect_mistakes(
      {{"SELECT a, FROM t", 1, 9, "nothing stands between this comma and 'FROM'",
        "remove the comma"},
       {"CREATE TABLE t (a INT) WITH ('a' = 'b',)", 1, 39, "this comma and ')'",
        "remove the comma"},
       {"SELECT a FROM t GROUP BY a,", 1, 27, "the end of the statement", "remove the comma"}});
}

TEST(ParseError, ReservedWordsNeedBackquotes) {
  expect_mistakes({
      {"CREATE TABLE t (value STRING)", 1, 17,
       "'value' is a reserved word and cannot be a column name", "`value`"},
      {"CREATE TABLE t (a INT, timestamp TIMESTAMP(3))", 1, 24, "'timestamp' is a reserved word",
       "`timestamp`"},
      {"SELECT value FROM t", 1, 8, "'value' is a reserved word", "`value`"},
      {"SELECT t.user FROM t", 1, 10, "'user' is a reserved word", "`user`"},
      {"SELECT COUNT(*) AS count FROM t", 1, 20, "'count' is a reserved word", "`count`"},
      {"SELECT a value FROM t", 1, 10, "unexpected 'value'", "`value`"},
      {"SELECT timestamp FROM t", 1, 8, "'timestamp' is a reserved word", "`timestamp`"},
      {"SELECT order FROM t", 1, 8, "expected an expression, found 'order'", "`order`"},
      {"SELECT * FROM user", 1, 15, "'user' is a reserved word and cannot be a table", "`user`"},
  });
}

TEST(ParseError, ExpressionMistakes) {
  expect_mistakes({
      {"SELECT a::INT FROM t", 1, 9, "::", "CAST"},
      {"SELECT a = ANY (SELECT 1)", 1, 12, "ANY", "IN, EXISTS"},
      {"SELECT a IN ()", 1, 14, "IN is empty", "at least one"},
      {"SELECT a IS 1", 1, 13, "after IS", ""},
      {"SELECT CASE a END", 1, 15, "expected WHEN", ""},
      {"SELECT CASE WHEN a THEN b", 1, 26, "WHEN, ELSE or END", ""},
      {"SELECT INTERVAL a DAY", 1, 17, "length of the interval", "multiply"},
      {"SELECT INTERVAL '1' FORTNIGHT", 1, 21, "not a time unit", "DAY"},
      {"SELECT INTERVAL '1' MINUT", 1, 21, "did you mean 'MINUTE'", ""},
      {"SELECT INTERVAL '1' MINUTE TO HOUR", 1, 31, "cannot run from MINUTE to HOUR", ""},
      {"SELECT INTERVAL '1' YEAR TO DAY", 1, 29, "cannot run from YEAR to DAY", ""},
      {"SELECT INTERVAL '1' CENTURY", 1, 21, "counted in CENTURY", ""},
      {"SELECT CAST(a AS STRNG)", 1, 18, "unknown type 'STRNG', did you mean 'STRING'", ""},
      {"SELECT CAST(a AS TEXT)", 1, 18, "no type TEXT", "STRING"},
      {"SELECT CAST(a AS DECIMAL(99))", 1, 26, "between 1 and 38", ""},
      {"SELECT CAST(a AS DECIMAL(5, 9))", 1, 29, "between 0 and 5", ""},
      {"SELECT CAST(a AS TIMESTAMP WITH TIME ZONE)", 1, 28, "WITH TIME ZONE", "TIMESTAMP_LTZ"},
      {"SELECT CAST(a, INT)", 1, 14, "expected AS", ""},
      {"SELECT POSITION('a', b)", 1, 20, "expected IN", "POSITION(part IN text)"},
      {"SELECT SUM(*) + *", 1, 17, "'*' cannot stand here", "COUNT(*)"},
      {"SELECT MAP['a']", 1, 8, "key without a value", "pairs"},
      {"SELECT f(a", 1, 11, "',' or ')' in the arguments of f", ""},
      {"SELECT (1 + 2", 1, 14, "expected ')'", ""},
      {"SELECT 1)", 1, 9, "closes nothing", ""},
      {"SELECT 1 +", 1, 11, "expected an expression, found the end of the text", ""},
  });
}

TEST(ParseError, QueryMistakes) {
  expect_mistakes({
      {"SELECT FROM t", 1, 8, "names no column", "SELECT *"},
      {"SELECT a FORM t", 1, 15, "unexpected 't'", "did you mean FROM"},
      {"SELECT a FROM t WHER a > 1", 1, 22, "unexpected 'a'", "did you mean WHERE"},
      {"SELECT * FROM a JOIN b", 1, 23, "expected ON or USING", "CROSS JOIN"},
      {"SELECT * FROM a CROSS JOIN b ON x", 1, 30, "takes no condition", "ON"},
      {"SELECT * FROM a LEFT b", 1, 22, "expected JOIN", ""},
      {"SELECT * FROM t MATCH_RECOGNIZE (x)", 1, 17, "MATCH_RECOGNIZE is not supported", "window"},
      {"SELECT * FROM t TABLESAMPLE BERNOULLI (5)", 1, 17, "TABLESAMPLE", ""},
      {"SELECT * FROM t LIMIT 1, 2", 1, 24, "LIMIT with two numbers", "OFFSET"},
      {"WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", 1, 6, "recursive", ""},
      {"SELECT a FROM t QUALIFY x = 1", 1, 17, "QUALIFY", "subquery"},
      {"SELECT * FROM TABLE(a)", 1, 21, "call of a table function", "TUMBLE"},
      {"SELECT * FROM t /*+ OPTIONS('a' = 1) */", 1, 35, "expected a string", ""},
      {"SELECT * FROM LATERAL x", 1, 23, "after LATERAL", ""},
  });
}

TEST(ParseError, StatementMistakes) {
  expect_mistakes({
      {"SELEC 1", 1, 1, "did you mean 'SELECT'", "statements are"},
      {"SELECT 1 INSERT INTO t SELECT 1", 1, 10, "is not ended", "';'"},
      {"ALTER TABLE t RENAME TO u", 1, 1, "ALTER is not supported", ""},
      {"DELETE FROM t", 1, 1, "DELETE is not supported", ""},
      {"CREATE FUNCTION f AS 'x'", 1, 8, "CREATE FUNCTION is not supported", ""},
      {"CREATE OR REPLACE TABLE t (a INT)", 1, 8, "OR REPLACE", "DROP TABLE"},
      {"CREATE TABEL t (a INT)", 1, 8, "expected TABLE or VIEW", "did you mean TABLE"},
      {"CREATE TABLE t (a)", 1, 18, "expected a type", ""},
      {"CREATE TABLE t (a INT b INT)", 1, 23, "',' or ')' in the column list", ""},
      {"CREATE TABLE t (a INT PRIMARY KEY)", 1, 31, "cannot be enforced", "NOT ENFORCED"},
      {"CREATE TABLE t (a INT, PRIMARY KEY (a))", 1, 38, "cannot be enforced", "NOT ENFORCED"},
      {"CREATE TABLE t (a INT DEFAULT 1)", 1, 23, "no default values", ""},
      {"CREATE TABLE t (a INT) WITH (connector = 'x')", 1, 30, "key of an option is a string",
       "single quotes"},
      {"CREATE TABLE t (a INT) WITH ('a' = 5)", 1, 36, "value of an option is a string", "'5'"},
      {"CREATE TABLE t (a INT) WITH ('a' = 'b' 'c' = 'd')", 1, 40, "',' or ')' after an option",
       ""},
      {"CREATE VIEW v SELECT 1", 1, 15, "expected AS", ""},
      {"INSERT t SELECT 1", 1, 8, "expected INTO", ""},
      {"INSERT INTO t", 1, 14, "expected a query", ""},
      {"SHOW TABELS", 1, 6, "did you mean 'TABLES'", "SHOW TABLES"},
      {"SET 'a' = 5", 1, 11, "value of a setting is a string", "'5'"},
      {"SET a.b", 1, 8, "expected '='", ""},
      {"USE MODULES core", 1, 5, "USE MODULES", ""},
      {"END;", 1, 1, "END without a statement set", ""},
      {"EXPLAIN CREATE TABLE t (a INT)", 1, 9, "to explain", ""},
      {"DESCRIBE", 1, 9, "a table or view", ""},
      {"EXECUTE STATEMENT SET BEGIN END;", 1, 1, "is empty", "INSERT"},
      {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;", 1, 52, "is not ended", "END;"},
      {"BEGIN STATEMENT SET; SELECT 1; END;", 1, 22, "expected INSERT or END", "out of the set"},
      {"BEGIN STATEMENT SET; INSERT INTO a SELECT 1; SELECT 1; SELECT 2", 1, 46,
       "expected INSERT or END", "END;"},
  });
}

TEST(ParseError, ErrorsInsideAStatementSetDoNotHideEachOther) {
  const std::string script =
      "EXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT;\nINSERT INTO b SELECT 1;\nINSERT INTO "
      "c;\nEND;\nSELECT 2;";
  const ParseResult result = parse_script(script);
  ASSERT_EQ(result.diagnostics.size(), 2U) << rendered(script);
  EXPECT_EQ(result.diagnostics[0].line, 2U);
  EXPECT_EQ(result.diagnostics[1].line, 4U);
  ASSERT_EQ(result.statements.size(), 2U);
  EXPECT_EQ(to_sql(*result.statements[0]),
            "EXECUTE STATEMENT SET BEGIN INSERT INTO b SELECT 1; END");
  EXPECT_EQ(to_sql(*result.statements[1]), "SELECT 2");
}

TEST(ParseError, NamesOfBrokenTablesAreRemembered) {
  const ParseResult result =
      parse_script("CREATE TABLE t (a WRONG); CREATE VIEW v AS SELECT; SELECT 1;");
  EXPECT_EQ(result.broken_names, (std::vector<std::string>{"t", "v"}));
  EXPECT_EQ(result.statements.size(), 1U);
}

TEST(ParseError, LexicalErrorsAreReportedOnce) {
  EXPECT_EQ(parse_script("SELECT \"a\" FROM t; SELECT 1").diagnostics.size(), 1U);
  EXPECT_EQ(parse_script("SELECT a = ? FROM t").diagnostics.size(), 1U);
  EXPECT_EQ(parse_script("SELECT 'abc").diagnostics.size(), 1U);
}

TEST(ParseError, CountIsBounded) {
  std::string script;
  for (int i = 0; i < 1000; ++i) script += "x;";
  EXPECT_EQ(parse_script(script).diagnostics.size(), kDiagnosticsMax);
  EXPECT_LE(parse_script(std::string(1000, '?')).diagnostics.size(), kDiagnosticsMax);
}

// Every prefix and every single-character damage of a rich script ends, without crash.
TEST(ParseError, DamagedTextIsHarmless) {
  const std::string script =
      "CREATE TABLE 表 (a INT NOT NULL, b AS f(a)[1].c, WATERMARK FOR ts AS ts - INTERVAL '5' "
      "SECOND) WITH ('k'='v');"
      "INSERT INTO x SELECT CASE a WHEN 1 THEN -2 ELSE NULL END, COUNT(*) FILTER (WHERE b) OVER "
      "(ORDER BY c) FROM "
      "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY)) AS w(a, b) LEFT JOIN "
      "(SELECT 1 UNION ALL "
      "VALUES (1)) y ON TRUE GROUP BY ROLLUP(a) ORDER BY 1 LIMIT 5; EXECUTE STATEMENT SET BEGIN "
      "INSERT INTO a "
      "SELECT JSON_VALUE(a, '$.b' NULL ON EMPTY); END; SET a.b = c;";
  ASSERT_TRUE(parse_script(script).ok()) << rendered(script);
  for (std::size_t i = 0; i < script.size(); ++i) {
    parse_script(script.substr(0, i));
    std::string damaged = script;
    for (const char replacement : {'(', ')', '\'', ';', ' ', '\xFF', ','}) {
      damaged[i] = replacement;
      for (const ast::StatementPtr& statement : parse_script(damaged).statements) {
        EXPECT_FALSE(to_sql(*statement).empty());
      }
    }
  }
}

}  // namespace
}  // namespace slipstream::sql
