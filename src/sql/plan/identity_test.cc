#include "sql/plan/identity.h"

#include <algorithm>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "sql/session.h"

namespace slipstream::sql {
namespace {

using ::testing::IsSubsetOf;
using ::testing::Not;

const char* word_of(RelKind kind) {
  switch (kind) {
    case RelKind::kScan:
      return "source";
    case RelKind::kWatermark:
      return "watermark";
    case RelKind::kWindowAggregate:
      return "window-aggregate";
    case RelKind::kGroupAggregate:
      return "group-aggregate";
    case RelKind::kJoin:
      return "join";
    case RelKind::kValues:
      return "values";
    case RelKind::kSink:
      return "sink";
    default:
      return "?";
  }
}

using Lines = std::vector<std::string>;

void add_uids(const Rel& rel, Lines& lines) {
  if (!rel.uid.empty()) lines.push_back(std::string(word_of(rel.kind)) + " " + rel.uid);
  for (const RelPtr& input : rel.inputs) add_uids(*input, lines);
}

constexpr const char* kTables = R"(
CREATE TABLE t (k STRING, v INT, w INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE u (id STRING, x INT) WITH ('connector' = 'datagen');
CREATE TABLE out1 (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE out2 (k STRING, n BIGINT) WITH ('connector' = 'blackhole');
)";

// "word uid" of every node that keeps something, root first.
Lines uids(const std::string& script, const std::string& tables = kTables) {
  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  Session session(*registry, runtime);
  const Compiled compiled = session.compile(tables + script);
  for (const Diagnostic& diagnostic : compiled.diagnostics) ADD_FAILURE() << diagnostic.message;
  Lines lines;
  for (const Step& step : compiled.steps) {
    if (step.plan) add_uids(*step.plan, lines);
  }
  return lines;
}

std::string uid_of(const std::string& script, const std::string& word,
                   const std::string& tables = kTables) {
  for (const std::string& line : uids(script, tables)) {
    if (line.starts_with(word + " ")) return line.substr(word.size() + 1);
  }
  return "none";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

// Blocks between blank lines: statements, then "> word uid" of each node. Those of one block stand
// in one script.
TEST(Identity, GoldenUidsStay) {
  std::ifstream file(SLIPSTREAM_GOLDEN_DIR "/uids.txt");
  ASSERT_TRUE(file.is_open());
  std::string tables;
  std::string script;
  Lines expected;
  std::size_t blocks = 0;
  const auto end_block = [&] {
    if (!expected.empty()) {
      ++blocks;
      EXPECT_EQ(uids(script, tables), expected) << script;
    } else {
      tables += script;
    }
    script.clear();
    expected.clear();
  };
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("> ")) {
      expected.push_back(line.substr(2));
    } else if (line.empty()) {
      end_block();
    } else if (!line.starts_with('#')) {
      script += line + "\n";
    }
  }
  end_block();
  EXPECT_GE(blocks, 10U);
}

// finding 13
TEST(Identity, AnInsertInFrontLeavesTheContentsOfTheOther) {
  const std::string last = "INSERT INTO out1 SELECT k, COUNT(*) FROM t GROUP BY k;";
  const std::string front = "INSERT INTO out2 SELECT k, SUM(v) FROM t WHERE w > 1 GROUP BY k;";
  EXPECT_EQ(uid_of(last, "group-aggregate"), uids(front + last).at(5).substr(16));
  EXPECT_THAT(uids(last), Not(IsSubsetOf(uids(front))));
}

TEST(Identity, WhatIsPrintedOrUnusedDoesNotCount) {
  const std::string query = "INSERT INTO out1 SELECT k, COUNT(*) FROM t WHERE v > 1 GROUP BY k;";
  const std::string group = uid_of(query, "group-aggregate");
  for (const char* same : {
           "INSERT INTO out1 SELECT key AS k, COUNT(*) AS c FROM "
           "(SELECT k AS key, v AS vv, w FROM t) WHERE vv > 1 GROUP BY key;",
           "INSERT INTO out1 SELECT k, c FROM "
           "(SELECT k, COUNT(*) AS c, k AS again FROM t WHERE v > 1 GROUP BY k);",
           "INSERT INTO out2 SELECT k, COUNT(*) + 1 FROM t WHERE v > 1 GROUP BY k;",
           "INSERT INTO out1 SELECT k, COUNT(*) FROM t WHERE v > 1 GROUP BY k "
           "HAVING COUNT(*) > 2;",
       }) {
    EXPECT_EQ(uid_of(same, "group-aggregate"), group) << same;
  }
}

TEST(Identity, WhatIsComputedCounts) {
  const std::string group = uid_of(
      "INSERT INTO out1 SELECT k, COUNT(*) FROM t WHERE v > 1 GROUP BY k;", "group-aggregate");
  for (const char* other : {
           "INSERT INTO out1 SELECT k, COUNT(*) FROM t WHERE v > 2 GROUP BY k;",
           "INSERT INTO out1 SELECT k, COUNT(v) FROM t WHERE v > 1 GROUP BY k;",
           "INSERT INTO out1 SELECT UPPER(k), COUNT(*) FROM t WHERE v > 1 GROUP BY UPPER(k);",
           "INSERT INTO out1 SELECT k, COUNT(*) FROM t WHERE v > 1 GROUP BY k HAVING k > 'a';",
           "INSERT INTO out1 SELECT id, COUNT(*) FROM u WHERE x > 1 GROUP BY id;",
       }) {
    EXPECT_NE(uid_of(other, "group-aggregate"), group) << other;
  }
}

TEST(Identity, TypesAndTheWatermarkDoNotCount) {
  const std::string query =
      "INSERT INTO out1 SELECT k, CAST(MIN(v + w) AS BIGINT) FROM "
      "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
      "WHERE v > 3 GROUP BY k, window_start, window_end;";
  const Lines before = uids(query);
  EXPECT_EQ(uids(query, replaced(kTables, "v INT", "v BIGINT")), before);
  EXPECT_EQ(uids(query, replaced(kTables, "'5' SECOND", "'9' SECOND")), before);
  EXPECT_EQ(uids(query, replaced(kTables, "w INT", "more INT, w INT")), before);
}

TEST(Identity, TheRowsThatAJoinKeepsCount) {
  const auto join = [](const std::string& select, const std::string& right,
                       const std::string& rest = "") {
    return uid_of("INSERT INTO out1 SELECT " + select + " FROM t JOIN (" + right +
                      ") AS r ON t.k = r.id " + rest + ";",
                  "join");
  };
  const std::string first = join("t.k, CAST(y AS BIGINT)", "SELECT id, x + 1 AS y FROM u");
  EXPECT_EQ(join("t.k, CAST(y AS BIGINT)", "SELECT x + 1 AS y, id, x * 7 AS unused FROM u"), first);
  EXPECT_NE(join("t.k, CAST(y AS BIGINT)", "SELECT id, x + 2 AS y FROM u"), first);
  EXPECT_NE(join("t.k, CAST(y AS BIGINT)", "SELECT id, x + 1 AS y FROM u", "WHERE y > 4"), first);
}

TEST(Identity, SidesOfAJoinAndSinksOfOneTableAreToldApart) {
  EXPECT_EQ(uids("INSERT INTO out1 SELECT a.id, 1 FROM u AS a JOIN u AS b ON a.id = b.id;").size(),
            4U);
  const Lines lines = uids(
      "INSERT INTO out1 SELECT id, 1 FROM u; INSERT INTO out1 SELECT id, 2 FROM u WHERE x > 0;");
  const std::set<std::string> different(lines.begin(), lines.end());
  EXPECT_EQ(different.size(), 4U);
}

}  // namespace
}  // namespace slipstream::sql
