// rmq_topics, rmq_queues, rmq_groups and rmq_lag without CREATE TABLE.
#include "cli/system_tables.h"

#include <csignal>
#include <cstdlib>

#include <gmock/gmock.h>

#include "slipstream/connectors.h"

#include "cli/report.h"
#include "cli/run_command.h"
#include "flow/runtime.h"
#include "rocketmq/testing/scripted_broker.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

bool block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  return pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0;
}

class SystemTablesTest : public ::testing::Test {
 protected:
  SystemTablesTest() {
    broker_.create_topic("T", 2);
    broker_.append({"T", "broker-a", 1}, "x");
    broker_.set_group_offset("g", {"T", "broker-a", 1}, 0);
    broker_.set_answer(rocketmq::RequestCode::kGroupsOfTopic, R"({"groupList":["g"]})");
    ::setenv("SLIPSTREAM_NAMESERVER", broker_.name_server().c_str(), 1);
  }
  ~SystemTablesTest() override { ::unsetenv("SLIPSTREAM_NAMESERVER"); }

  // Rows as CSV without the header, or what is wrong.
  static std::string run(const std::string& sql) {
    RunArguments arguments;
    arguments.text = sql;
    arguments.output = OutputFormat::kCsv;
    arguments.progress.quiet = true;
    CaptureStdout();
    CaptureStderr();
    const int code = run_command(arguments);
    const std::string out = GetCapturedStdout();
    const std::string error = GetCapturedStderr();
    return code == kExitOk ? out.substr(out.find('\n') + 1) : error;
  }

  const bool blocked_ = block_signals();
  rocketmq::testing::ScriptedBroker broker_;
};

TEST_F(SystemTablesTest, AreReadWithoutBeingCreated) {
  EXPECT_EQ(run("SELECT * FROM rmq_topics"), "T,broker-a,2,2,TRUE,TRUE\n");
  EXPECT_EQ(run("SELECT * FROM rmq_queues WHERE topic = 'T' AND max_offset > 0"),
            "T,broker-a,1,0,1\n");
  EXPECT_EQ(run("SELECT * FROM rmq_groups"), "g,[T],0,,\n");
  EXPECT_EQ(run("SELECT * FROM rmq_lag WHERE group_name = 'g' AND behind > 0"),
            "g,T,broker-a,1,0,1,1\n");
}

TEST_F(SystemTablesTest, GiveWayToATableOfTheirName) {
  EXPECT_EQ(run("CREATE TABLE rmq_topics (n INT) WITH ('connector' = 'datagen', "
                "'number-of-rows' = '1', 'fields.n.kind' = 'sequence', 'fields.n.start' = '7', "
                "'fields.n.end' = '7'); SELECT * FROM rmq_topics"),
            "7\n");
  EXPECT_THAT(run("DROP TABLE rmq_topics"), HasSubstr("no table 'rmq_topics'"));
  EXPECT_THAT(run("INSERT INTO rmq_topics SELECT * FROM rmq_topics"), HasSubstr("only be read"));

  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  SystemTables catalog(*registry, runtime);
  sql::Session session(*registry, runtime, catalog);
  ASSERT_TRUE(session
                  .compile("CREATE VIEW rmq_lag AS SELECT topic FROM rmq_queues; "
                           "CREATE TABLE a (n INT) WITH ('connector' = 'blackhole')")
                  .ok());
  const auto names = [&] {
    std::vector<std::string> all;
    const auto listed = catalog.list();
    for (const sql::CatalogName& each : *listed)
      all.push_back(each.name + (each.is_view ? " (view)" : ""));
    return all;
  };
  EXPECT_THAT(names(),
              ElementsAre("a", "rmq_groups", "rmq_lag (view)", "rmq_queues", "rmq_topics"));
  ASSERT_TRUE(session.compile("DROP VIEW rmq_lag").ok());
  EXPECT_THAT(names(), ElementsAre("a", "rmq_groups", "rmq_lag", "rmq_queues", "rmq_topics"));
}

TEST_F(SystemTablesTest, AreThereWhereAClusterIsNamed) {
  ::unsetenv("SLIPSTREAM_NAMESERVER");
  EXPECT_THAT(run("SELECT * FROM rmq_topics"), HasSubstr("unknown table 'rmq_topics'"));
  const auto registry = builtin_connectors();
  flow::Runtime runtime;
  const SystemTables catalog(*registry, runtime);
  const auto names = catalog.list();
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, IsEmpty());
}

}  // namespace
}  // namespace slipstream::cli
