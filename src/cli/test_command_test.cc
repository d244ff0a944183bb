// slipstream test over files of a folder.
#include "cli/test_command.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>

#include "base/testing/temporary_folder.h"
#include "cli/report.h"

namespace slipstream::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

constexpr const char* kTotals = R"(
CREATE TABLE orders (
  customer STRING,
  amount INT,
  stored TIMESTAMP(3) METADATA FROM 'store-timestamp' VIRTUAL,
  WATERMARK FOR stored AS stored
) WITH ('connector' = 'rocketmq', 'topic' = 'orders', 'consumerGroup' = 'g', 'format' = 'json',
        'scan.startup.mode' = 'latest');
CREATE TABLE totals (w TIMESTAMP(3), customer STRING, total INT)
WITH ('connector' = 'rocketmq', 'topic' = 'totals', 'format' = 'json',
      'sink.delivery-guarantee' = 'exactly-once');
INSERT INTO totals
SELECT window_end, customer, SUM(amount)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(stored), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, customer;
)";

std::string order(const std::string& customer, int amount, int second) {
  return R"({"topic":"orders","broker":"b","queue":0,"time":)" + std::to_string(1'000 * second) +
         R"(,"body":"{\"customer\":\")" + customer + R"(\",\"amount\":)" + std::to_string(amount) +
         "}\"}\n";
}

class TestCommandTest : public ::testing::Test {
 protected:
  TestCommandTest() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    folder_.write("job.sql", kTotals);
  }
  int run(TestArguments arguments = {}) {
    if (arguments.file.empty()) arguments.file = folder_ / "job.sql";
    CaptureStdout();
    CaptureStderr();
    const int code = test_command(arguments);
    out_ = GetCapturedStdout();
    error_ = GetCapturedStderr();
    return code;
  }

  const TemporaryFolder folder_;
  std::string out_;
  std::string error_;
};

TEST_F(TestCommandTest, RowsThatAreExpectedInAnyOrderAreRight) {
  folder_.write("orders.jsonl",
                order("a", 1, 1) + order("b", 5, 2) + order("a", 2, 3) + order("a", 7, 61));
  folder_.write("totals.jsonl", R"({"customer": "b", "w": "1970-01-01 00:01:00.000", "total": 5})"
                                "\n\n"
                                R"({"customer": "a", "w": "1970-01-01 00:02:00.000", "total": 7})"
                                "\n"
                                R"({"customer": "a", "w": "1970-01-01 00:01:00.000", "total": 3})");
  TestArguments arguments;
  arguments.inputs["orders"] = folder_ / "orders.jsonl";
  arguments.expected["totals"] = folder_ / "totals.jsonl";
  EXPECT_EQ(run(arguments), kExitOk) << out_ << error_;
  EXPECT_EQ(out_, "ok   " + (folder_ / "job.sql") + ": totals 3 rows\n");
  EXPECT_EQ(error_, "1 test, 0 failed\n");
}

TEST_F(TestCommandTest, WhatDiffersIsShownAndUpdateWritesIt) {
  folder_.write("tests/late/input/orders.jsonl", order("a", 1, 61) + order("b", 5, 2));
  folder_.write("tests/late/expect/totals.jsonl",
                R"({"w":"1970-01-01 00:02:00.000","customer":"a","total":2})");
  folder_.write("tests/two/input/orders.jsonl", order("a", 1, 1));
  EXPECT_EQ(run(), kExitUsage) << out_ << error_;
  EXPECT_THAT(
      out_, HasSubstr("FAIL " + (folder_ / "tests/late") +
                      ": totals 1 row\n"
                      "totals: 1 row expected, 1 written; 1 missing (-), 1 not expected "
                      "(+)\n"
                      "  + {\"w\":\"1970-01-01 00:02:00.000\",\"customer\":\"a\",\"total\":1}\n"
                      "  - {\"w\":\"1970-01-01 00:02:00.000\",\"customer\":\"a\",\"total\":2}\n"));
  EXPECT_THAT(error_, HasSubstr("1 late rows were dropped"));
  EXPECT_THAT(error_, HasSubstr("nothing is expected"));
  TestArguments arguments;
  arguments.folder = folder_ / "tests/late/";
  EXPECT_EQ(run(arguments), kExitFailed);
  arguments.folder.clear();
  arguments.update = true;
  EXPECT_EQ(run(arguments), kExitOk) << error_;
  EXPECT_EQ(folder_.read("tests/late/expect/totals.jsonl"),
            "{\"w\":\"1970-01-01 00:02:00.000\",\"customer\":\"a\",\"total\":1}\n");
  EXPECT_EQ(folder_.read("tests/two/expect/totals.jsonl"),
            "{\"w\":\"1970-01-01 00:01:00.000\",\"customer\":\"a\",\"total\":1}\n");
  folder_.write("tests/job/input/orders.jsonl", order("c", 1, 1));
  folder_.write("tests/job/expect/totals.jsonl", "");
  EXPECT_EQ(run(), kExitFailed) << "tests/job is where those of job.sql are";
  EXPECT_THAT(out_, HasSubstr("  + {"));
  std::filesystem::remove_all(folder_ / "tests/job");
  arguments.update = false;
  arguments.ordered = true;
  EXPECT_EQ(run(arguments), kExitOk) << out_;
  EXPECT_EQ(error_, "1 late rows were dropped\n2 tests, 0 failed\n");
}

// A changelog with its kinds; CSV for a table of files; JSON for one that has no format.
TEST_F(TestCommandTest, TablesOfOtherConnectorsReadLines) {
  folder_.write("job.sql", R"(
CREATE TABLE clicks (name STRING) WITH ('connector' = 'filesystem', 'path' = '/nowhere',
  'source.monitor-interval' = '1 s', 'format' = 'csv');
CREATE TABLE names (name STRING, full_name STRING) WITH ('connector' = 'datagen');
CREATE TABLE counts (name STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE people (full_name STRING) WITH ('connector' = 'filesystem', 'path' = '/nowhere',
  'format' = 'json');
INSERT INTO counts SELECT name, COUNT(*) FROM clicks GROUP BY name;
INSERT INTO people SELECT full_name FROM names WHERE name <> 'x';
)");
  folder_.write("tests/one/input/clicks.csv", "a\nb\na\n");
  folder_.write("tests/one/input/names.jsonl",
                "{\"name\":\"a\",\"full_name\":\"Ann\"}\n{\"name\":\"x\"}\n");
  folder_.write("tests/one/expect/counts.jsonl",
                "{\"op\":\"+I\",\"name\":\"a\",\"n\":1}\n"
                "{\"op\":\"+I\",\"name\":\"b\",\"n\":1}\n"
                "{\"op\":\"-U\",\"name\":\"a\",\"n\":1}\n"
                "{\"op\":\"+U\",\"name\":\"a\",\"n\":2}\n");
  folder_.write("tests/one/expect/people.jsonl", "{\"full_name\":\"Ann\"}\n");
  EXPECT_EQ(run(), kExitOk) << out_ << error_;
  EXPECT_THAT(out_, HasSubstr("counts 4 rows, people 1 row"));
}

TEST_F(TestCommandTest, WhatCannotRunSaysWhy) {
  EXPECT_EQ(run(), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("there is no test"));
  TestArguments arguments;
  arguments.expected["totals"] = folder_ / "totals.jsonl";
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("table 'orders' is read and the test has no input for it"));
  folder_.write("orders.jsonl", order("a", 1, 1));
  arguments.inputs = {{"orders", folder_ / "orders.jsonl"}, {"oders", folder_ / "orders.jsonl"}};
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("is input of table 'oders', which no INSERT reads"));
  arguments.inputs = {{"orders", folder_ / "nowhere.jsonl"}};
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("nowhere.jsonl' of table 'orders' cannot be opened: No such file"));
  arguments.inputs = {{"orders", folder_ / "orders.jsonl"}};
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("opening '" + (folder_ / "totals.jsonl") + "'"));
  folder_.write("totals.jsonl", "7\n");
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("line 1: '7' is no JSON object"));
  arguments.expected["other"] = folder_ / "totals.jsonl";
  folder_.write("totals.jsonl", "");
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("table 'other', which no INSERT writes to"));
  folder_.write("orders.jsonl", "{\"body\":\"no JSON\"}\n");
  EXPECT_EQ(run(arguments), kExitUsage) << "found before the job runs, which would fail";
  EXPECT_THAT(error_, HasSubstr("table 'other', which no INSERT writes to"));
  arguments.expected.erase("other");
  folder_.write("totals.jsonl", "7\n");
  EXPECT_EQ(run(arguments), kExitUsage) << "likewise";
  EXPECT_THAT(error_, HasSubstr("line 1: '7' is no JSON object"));
  folder_.write("totals.jsonl", "");
  folder_.write("orders.jsonl", order("a", 1, 1) + "{\"bodi\":\"{}\"}\n");
  EXPECT_EQ(run(arguments), kExitUsage) << "no message";
  EXPECT_THAT(error_, HasSubstr("line 2"));
  folder_.write("orders.jsonl", "{\"body\":\"no JSON\"}\n");
  EXPECT_EQ(run(arguments), kExitFailed) << "a message that is no row";
  EXPECT_THAT(error_, HasSubstr("line 1 of recording"));
  folder_.write("job.sql", "SELECT 1 FROM nothing;");
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("nothing was started"));
}

TEST_F(TestCommandTest, AJobThatReadsNothingHasNoInput) {
  folder_.write("job.sql", R"(
CREATE TABLE out1 (n INT) WITH ('connector' = 'print');
INSERT INTO out1 VALUES (1), (2);
)");
  folder_.write("tests/one/expect/out1.jsonl", "{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(run(), kExitOk) << out_ << error_;
  folder_.write("job.sql", kTotals);
  EXPECT_EQ(run(), kExitUsage) << "one that reads a table must have some";
  EXPECT_THAT(error_, HasSubstr("the test has no input for it"));
}

// What would be compared as something else is refused.
TEST_F(TestCommandTest, WhatCannotBeComparedIsRefused) {
  const auto try_job = [&](const std::string& out, const std::string& select) {
    folder_.write("job.sql", "CREATE TABLE src (b BYTES, n INT) WITH ('connector' = 'datagen');" +
                                 out + " WITH ('connector' = 'print'); INSERT INTO " + select);
    TestArguments arguments;
    arguments.update = true;
    return run(arguments);
  };
  folder_.write("tests/one/input/src.jsonl", "{\"b\":\"/w==\",\"n\":1}\n");
  EXPECT_EQ(try_job("CREATE TABLE o (b BYTES)", "o SELECT b FROM src"), kExitOk) << error_;
  EXPECT_EQ(folder_.read("tests/one/expect/o.jsonl"), "{\"b\":\"/w==\"}\n");
  std::filesystem::remove_all(folder_ / "tests/one/expect");
  EXPECT_EQ(try_job("CREATE TABLE o (b STRING)", "o SELECT CAST(b AS STRING) FROM src"),
            kExitFailed);
  EXPECT_THAT(error_, HasSubstr("column 'b' has text that is not UTF-8"));
  EXPECT_EQ(try_job("CREATE TABLE o (op STRING, n BIGINT)",
                    "o SELECT CAST(n AS STRING), COUNT(*) FROM src GROUP BY n"),
            kExitUsage);
  EXPECT_THAT(error_, HasSubstr("another name for the column 'op'"));
  EXPECT_EQ(try_job("CREATE TABLE `../../o` (n INT)", "`../../o` SELECT n FROM src"), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("a name that no file can have"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "tests/o.jsonl"));
}

TEST_F(TestCommandTest, AFolderIsNoScript) {
  TestArguments arguments;
  arguments.file = folder_ / "";
  EXPECT_EQ(run(arguments), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace slipstream::cli
