// What a restore says to state of other types: the whole way, from CREATE TABLE to the start.
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

#include "base/testing/temporary_folder.h"
#include "sql/launch.h"

namespace slipstream::sql {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

struct Started {
  Status status;
  std::vector<std::string> said;
};

// Runs the script until it has a checkpoint, then stops it with a savepoint.
Started run(const std::string& script, const TemporaryFolder& folder, bool allow_dropped = false) {
  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  Session session(*registry, runtime);
  Compiled compiled = session.compile("SET 'parallelism.default' = '1';" + script);
  if (!compiled.ok())
    return {Error{ErrorCode::kInvalidArgument, compiled.diagnostics[0].message}, {}};
  std::vector<RelPtr> plans;
  for (Step& step : compiled.steps) {
    if (step.plan) plans.push_back(std::move(step.plan));
  }
  LaunchOptions options;
  options.checkpoint_dir = folder.path();
  options.start.allow_dropped_state = allow_dropped;
  Started started;
  auto job = start_inserts(session, plans, options,
                           [&](std::string_view text) { started.said.emplace_back(text); });
  if (!job.ok()) return {job.status(), started.said};
  const auto checkpoint = (*job)->checkpoint(60s);
  (*job)->stop_with_savepoint();
  started.status = (*job)->wait();
  if (started.status.ok()) started.status = checkpoint.status();
  return started;
}

std::string tables(const std::string& type) {
  return "CREATE TABLE t (k STRING, v " + type +
         ", ts AS CURRENT_TIMESTAMP, WATERMARK FOR ts AS ts) "
         "WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.k.length' = '1');"
         "CREATE TABLE u (id STRING, x INT) "
         "WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.length' = '1');"
         "CREATE TABLE o (k STRING, n STRING) WITH ('connector' = 'blackhole');";
}

struct Change {
  const char* before;
  const char* after;
  const char* query;
  const char* refusal;
};

class ChangedType : public ::testing::TestWithParam<Change> {};

// findings 1, 1a, 1b
TEST_P(ChangedType, IsRefusedWithOperatorColumnAndBothTypesAndDroppedWhenAllowed) {
  const Change& change = GetParam();
  const TemporaryFolder folder;
  const std::string insert = std::string("INSERT INTO o SELECT ") + change.query + ";";
  const Started first = run(tables(change.before) + insert, folder);
  ASSERT_TRUE(first.status.ok()) << first.status.to_string();
  const Started same = run(tables(change.before) + insert, folder);
  ASSERT_TRUE(same.status.ok()) << same.status.to_string();
  EXPECT_THAT(same.said, Each(Not(HasSubstr("starting empty"))));

  const Started refused = run(tables(change.after) + insert, folder);
  ASSERT_FALSE(refused.status.ok());
  EXPECT_THAT(refused.status.to_string(), AllOf(HasSubstr(change.refusal), HasSubstr("operator "),
                                                HasSubstr("allow_dropped_state")));
  const Started dropped = run(tables(change.after) + insert, folder, true);
  EXPECT_TRUE(dropped.status.ok()) << dropped.status.to_string();
  EXPECT_THAT(dropped.said, Contains(HasSubstr(change.refusal)));
}

INSTANTIATE_TEST_SUITE_P(
    Findings, ChangedType,
    ::testing::Values(
        Change{"INT", "BIGINT", "k, CAST(MIN(v) AS STRING) FROM t GROUP BY k",
               "aggregate 'MIN(v)' was saved as MIN(INT) and is MIN(BIGINT) now"},
        Change{"INT", "DOUBLE", "k, CAST(SUM(v) AS STRING) FROM t GROUP BY k",
               "'SUM(v)' was saved as SUM(INT) and is SUM(DOUBLE) now"},
        Change{"INT", "DOUBLE", "k, CAST(AVG(v) AS STRING) FROM t GROUP BY k",
               "'AVG(v)' was saved as AVG(INT) and is AVG(DOUBLE) now"},
        Change{"TIMESTAMP(3)", "TIMESTAMP(9)", "k, CAST(MAX(v) AS STRING) FROM t GROUP BY k",
               "was saved as MAX(TIMESTAMP(3)) and is MAX(TIMESTAMP(9)) now"},
        Change{"DECIMAL(10, 2)", "DECIMAL(10, 4)", "k, CAST(SUM(v) AS STRING) FROM t GROUP BY k",
               "SUM(DECIMAL(10, 2)) giving DECIMAL(38, 2) and is SUM(DECIMAL(10, 4))"},
        Change{"FLOAT", "INT", "k, CAST(MAX(v) AS STRING) FROM t GROUP BY k",
               "was saved as MAX(FLOAT) and is MAX(INT) now"},
        Change{"INT", "BIGINT", "'', CAST(COUNT(*) AS STRING) FROM t GROUP BY v",
               "key 'v' was saved as INT and is BIGINT now"},
        Change{"INT", "STRING", "'', CAST(COUNT(*) AS STRING) FROM t GROUP BY v",
               "key 'v' was saved as INT and is STRING now"},
        Change{"INT", "STRING", "k, CAST(COUNT(DISTINCT v) AS STRING) FROM t GROUP BY k",
               "was saved as COUNT(DISTINCT INT) giving BIGINT and is COUNT(DISTINCT STRING)"},
        Change{"INT", "BIGINT",
               "k, CAST(MIN(v) AS STRING) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
               "INTERVAL '1' DAY)) GROUP BY k, window_start, window_end",
               "was saved as MIN(INT) and is MIN(BIGINT) now"},
        Change{"INT", "STRING", "k, CAST(v AS STRING) FROM t JOIN u ON t.k = u.id WHERE u.x < 0",
               "left column 'v' was saved as INT and is STRING now"},
        Change{"INT", "BIGINT", "k, CAST(v AS STRING) FROM t JOIN u ON t.v = u.x",
               "was saved as INT and is BIGINT now"}));

// finding 13: whoever stood first stands second now, and has its own state and offsets again
TEST(RestoredState, AnInsertInFrontOfAnotherOnTheSameTableTakesNothingFromIt) {
  const TemporaryFolder folder;
  const std::string insert = "INSERT INTO o SELECT k, CAST(COUNT(*) AS STRING) FROM t GROUP BY k;";
  const std::string front = "INSERT INTO o SELECT k, CAST(MAX(v) AS STRING) FROM t GROUP BY k;";
  ASSERT_TRUE(run(tables("INT") + insert, folder).status.ok());
  const Started both = run(tables("INT") + front + insert, folder);
  ASSERT_TRUE(both.status.ok()) << both.status.to_string();
  EXPECT_THAT(both.said,
              Contains(AllOf(HasSubstr("dropped: nothing"), HasSubstr("starting empty: "),
                             HasSubstr("Source(t)"), HasSubstr("GroupAggregate"))));
  const Started alone = run(tables("INT") + insert, folder, true);
  ASSERT_TRUE(alone.status.ok()) << alone.status.to_string();
  EXPECT_THAT(alone.said,
              Contains(AllOf(HasSubstr("dropped: "), HasSubstr("starting empty: nothing"))));
}

TEST(RestoredState, WhatIsAddedToATableLeavesStateAlone) {
  const TemporaryFolder folder;
  const std::string query =
      "INSERT INTO o SELECT k, CAST(MIN(v) AS STRING) FROM t JOIN u ON t.k = u.id GROUP BY k;";
  ASSERT_TRUE(run(tables("INT") + query, folder).status.ok());
  std::string more = tables("INT");
  more.replace(more.find("x INT"), 5, "more INT, x INT");
  const Started again = run(more + query, folder);
  ASSERT_TRUE(again.status.ok()) << again.status.to_string();
  EXPECT_THAT(again.said, Each(Not(HasSubstr("dropped"))));
}

// finding 9: the columns of a key become NOT NULL
TEST(RestoredState, APrimaryKeyLeavesStateAlone) {
  const TemporaryFolder folder;
  const std::string query =
      "INSERT INTO o SELECT k, CAST(MIN(v) AS STRING) FROM t JOIN u ON t.k = u.id GROUP BY k;";
  ASSERT_TRUE(run(tables("INT") + query, folder).status.ok());
  std::string keyed = tables("INT");
  for (const std::string column : {"TABLE t (k STRING", "TABLE u (id STRING", "TABLE o (k STRING"})
    keyed.replace(keyed.find(column), column.size(), column + " PRIMARY KEY NOT ENFORCED");
  const Started again = run(keyed + query, folder);
  ASSERT_TRUE(again.status.ok()) << again.status.to_string();
  EXPECT_THAT(again.said, Each(AllOf(Not(HasSubstr("dropped")), Not(HasSubstr("starting empty")))));
}

}  // namespace
}  // namespace slipstream::sql
