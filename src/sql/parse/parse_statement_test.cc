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

// The three tables of the RocketMQ connector's original documentation.
TEST(ParseStatement, TablesOfTheConnectorReadme) {
  const ParseResult result = parse_script(R"(
CREATE TABLE rocketmq_source (
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'consumerGroup' = 'behavior_consumer_group',
  'nameServerAddress' = '127.0.0.1:9876'
);

CREATE TABLE rocketmq_sink (
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'produceGroup' = 'behavior_produce_group',
  'nameServerAddress' = '127.0.0.1:9876'
);

CREATE TABLE rocketmq_source_with_topic (
  `topic` STRING METADATA VIRTUAL,
  `user_id` BIGINT,
  `item_id` BIGINT,
  `behavior` STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'user_behavior',
  'consumerGroup' = 'behavior_consumer_group',
  'nameServerAddress' = '127.0.0.1:9876'
);
)");
  ASSERT_TRUE(result.ok()) << result.diagnostics.front().message;
  ASSERT_EQ(result.statements.size(), 3U);
  const auto& source = ast::as<ast::CreateTable>(*result.statements[0]);
  EXPECT_EQ(source.name.text(), "rocketmq_source");
  ASSERT_EQ(source.columns.size(), 3U);
  EXPECT_EQ(source.columns[0].name.name, "user_id");
  EXPECT_EQ(source.columns[0].type->kind, ast::TypeKind::kBigint);
  ASSERT_EQ(source.options.size(), 4U);
  EXPECT_EQ(source.options[2].key, "consumerGroup");
  EXPECT_EQ(source.options[2].value, "behavior_consumer_group");
  EXPECT_EQ(source.options[2].key_span.line, 9U);
  EXPECT_EQ(source.options[2].value_span.column, 21U);
  const auto& with_topic = ast::as<ast::CreateTable>(*result.statements[2]);
  EXPECT_EQ(with_topic.columns[0].kind, ast::ColumnKind::kMetadata);
  EXPECT_TRUE(with_topic.columns[0].is_virtual);
  EXPECT_EQ(with_topic.columns[0].metadata_key, std::nullopt);
}

TEST(ParseStatement, CreateTable) {
  unchanged(
      "CREATE TEMPORARY TABLE IF NOT EXISTS db.orders (id BIGINT NOT NULL COMMENT 'the key', ts "
      "TIMESTAMP(3) "
      "METADATA FROM 'store-timestamp' VIRTUAL, total AS price * amount COMMENT 'sum', price "
      "DECIMAL(10, 2), "
      "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, CONSTRAINT pk PRIMARY KEY (id) NOT ENFORCED) "
      "COMMENT 'orders' "
      "PARTITIONED BY (id) WITH ('connector' = 'rocketmq', 'topic' = 'it''s')");
  unchanged("CREATE TABLE t (id INT PRIMARY KEY NOT ENFORCED, a MAP<STRING, ROW<x INT>>)");
  unchanged("CREATE TABLE t (a INT) WITH ('connector' = 'print')");
  unchanged("CREATE TABLE t LIKE other (INCLUDING ALL OVERWRITING OPTIONS)");
  unchanged("CREATE TABLE t WITH ('connector' = 'print') AS SELECT * FROM s");
  unchanged("CREATE TABLE `传感器表` (传感器ID STRING, 类型 STRING, `数据` STRING, 时间 STRING)");
  EXPECT_EQ(canonical("create table T (A int, watermark for A as A, B as proctime())"),
            "CREATE TABLE T (A INT, B AS proctime(), WATERMARK FOR A AS A)");
}

TEST(ParseStatement, UsualColumnNamesAreNotReserved) {
  unchanged(
      "CREATE TABLE t (data STRING, type STRING, topic STRING, name STRING, id INT, k INT, key "
      "STRING, "
      "state STRING, source STRING, path STRING, size INT, version INT, status STRING, tag STRING, "
      "label STRING)");
}

TEST(ParseStatement, CreateViewAndDrop) {
  unchanged("CREATE VIEW v AS SELECT 1");
  unchanged("CREATE TEMPORARY VIEW IF NOT EXISTS v (a, b) COMMENT 'x' AS SELECT 1, 2");
  unchanged("DROP TABLE t");
  unchanged("DROP TEMPORARY TABLE IF EXISTS db.t");
  unchanged("DROP VIEW IF EXISTS v");
}

TEST(ParseStatement, Insert) {
  unchanged("INSERT INTO t SELECT * FROM s");
  unchanged("INSERT INTO t (a, b) SELECT a, b FROM s");
  unchanged("INSERT INTO t VALUES (1, 'a'), (2, NULL)");
  unchanged("INSERT INTO t (SELECT 1)");
  unchanged("INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x");
  unchanged("INSERT OVERWRITE t PARTITION (p = 'x') (a) SELECT 1");
  EXPECT_EQ(canonical("EXECUTE INSERT INTO t SELECT 1"), "INSERT INTO t SELECT 1");
}

TEST(ParseStatement, StatementSets) {
  const char* canonical_text =
      "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END";
  unchanged(canonical_text);
  EXPECT_EQ(
      canonical("BEGIN STATEMENT SET;\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND;"),
      canonical_text);
  const ParseResult result = parse_script(
      "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END; SELECT 1;");
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result.statements.size(), 2U);
  EXPECT_EQ(ast::as<ast::StatementSet>(*result.statements[0]).inserts.size(), 2U);
}

TEST(ParseStatement, ExplainDescribeShow) {
  unchanged("EXPLAIN PLAN FOR SELECT 1");
  EXPECT_EQ(canonical("EXPLAIN SELECT 1"), "EXPLAIN PLAN FOR SELECT 1");
  unchanged("EXPLAIN CHANGELOG_MODE, ESTIMATED_COST INSERT INTO t SELECT 1");
  unchanged("EXPLAIN PLAN FOR EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END");
  unchanged("DESCRIBE db.t");
  EXPECT_EQ(canonical("desc t"), "DESCRIBE t");
  for (const char* text :
       {"SHOW TABLES", "SHOW TABLES FROM db NOT LIKE 'x%'", "SHOW VIEWS", "SHOW FUNCTIONS",
        "SHOW COLUMNS FROM t", "SHOW CREATE TABLE t", "SHOW CREATE VIEW v", "SHOW CATALOGS",
        "SHOW DATABASES", "SHOW CURRENT CATALOG", "SHOW CURRENT DATABASE", "SHOW JOBS",
        "SHOW TABLES LIKE 'a%'", "USE db", "USE CATALOG c"}) {
    unchanged(text);
  }
}

TEST(ParseStatement, SetAndReset) {
  unchanged("SET 'execution.checkpointing.interval' = '500 ms'");
  unchanged("SET");
  unchanged("RESET");
  unchanged("RESET 'parallelism.default'");
  EXPECT_EQ(canonical("SET parallelism.default = 4;"), "SET 'parallelism.default' = '4'");
  EXPECT_EQ(canonical("set table.local-time-zone=Asia/Shanghai;"),
            "SET 'table.local-time-zone' = 'Asia/Shanghai'");
  EXPECT_EQ(canonical("SET execution.checkpointing.interval = 10s"),
            "SET 'execution.checkpointing.interval' = '10s'");
  EXPECT_EQ(canonical("SET a.b = 'it''s'"), "SET 'a.b' = 'it''s'");
  EXPECT_EQ(canonical("RESET table.exec.state.ttl;"), "RESET 'table.exec.state.ttl'");
}

TEST(ParseStatement, ScriptsWithCommentsAndBlankStatements) {
  const ParseResult result = parse_script(
      "\xEF\xBB\xBF-- first; not a statement\n;;\nSELECT 1; /* a; b\n */ SELECT '2;3' -- "
      "end\n;\nSELECT 4");
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result.statements.size(), 3U);
  EXPECT_EQ(to_sql(*result.statements[1]), "SELECT '2;3'");
  EXPECT_EQ(result.statements[1]->span.line, 4U);
  EXPECT_EQ(result.statements[1]->span.column, 5U);
  EXPECT_TRUE(parse_script("").ok());
  EXPECT_TRUE(parse_script(" -- nothing").statements.empty());
}

TEST(ParseStatement, CompleteInput) {
  for (const char* text : {"SELECT 1;", "SELECT 1; -- x", "", "  ", "SELECT 1; SELECT 2;",
                           "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END;"}) {
    EXPECT_TRUE(is_complete_input(text)) << text;
  }
  for (const char* text :
       {"SELECT 1", "SELECT 'a;", "SELECT `a;", "SELECT 1; /* ;", "SELECT 1; SELECT",
        "BEGIN STATEMENT SET;", "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;"}) {
    EXPECT_FALSE(is_complete_input(text)) << text;
  }
}

}  // namespace
}  // namespace slipstream::sql
