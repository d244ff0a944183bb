// Audits of jobs that really run, asked for over HTTP.
#include "cli/job_audit.h"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "cli/report.h"
#include "connectors/builtin_factories.h"
#include "flow/job.h"
#include "server/api.h"
#include "server/http.h"
#include "server/job_host.h"
#include "server/report_json.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

using ::testing::HasSubstr;

// Drops the second batch of those that an operator takes, and says of it what that one says.
class LosesABatch final : public flow::Operator {
 public:
  explicit LosesABatch(std::unique_ptr<flow::Operator> whole) : whole_(std::move(whole)) {}
  flow::RowLaw row_law() const override { return whole_->row_law(); }
  Status open(const flow::OperatorContext& context) override { return whole_->open(context); }
  Result<flow::Progress> push(std::size_t input, Batch&& batch, flow::Emitter& out) override {
    if (++batches_ == 2) return flow::Progress::kDone;
    return whole_->push(input, std::move(batch), out);
  }

 private:
  const std::unique_ptr<flow::Operator> whole_;
  int batches_ = 0;
};

class JobAuditTest : public ::testing::Test {
 protected:
  JobAuditTest() {
    for (auto& factory : connectors::builtin_factories()) registry_.add(std::move(factory));
    arguments_.job = "counts";
    arguments_.output = OutputFormat::kJson;
  }

  void serve(server::HttpServer::Handler handler) {
    auto http = server::HttpServer::start({}, std::move(handler));
    ASSERT_TRUE(http.ok()) << http.status().to_string();
    http_ = std::move(*http);
    arguments_.server.url = http_->url();
  }
  void serve_jobs() {
    auto host = server::JobHost::open(registry_, runtime_, folder_.path() + "/state");
    ASSERT_TRUE(host.ok()) << host.status().to_string();
    host_ = std::move(*host);
    api_ = std::make_unique<server::Api>(*host_, server::Api::Options{});
    serve([this](const server::HttpRequest& request) { return api_->handle(request); });
  }
  void submit(const std::string& sql) {
    server::JobHost::Submission submission;
    submission.name = "counts";
    submission.sql = sql;
    const auto refused = host_->submit(std::move(submission));
    std::string why;
    for (const auto& each : refused ? refused->diagnostics : std::vector<sql::Diagnostic>())
      why += "; " + each.message;
    ASSERT_FALSE(refused.has_value()) << refused->message << why;
  }
  void TearDown() override {
    http_.reset();
    if (host_ != nullptr) host_->shut_down();
  }

  int run() {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = audit_command(arguments_);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> all;
    std::istringstream stream(out_);
    for (std::string line; std::getline(stream, line);) all.push_back(nlohmann::json::parse(line));
    return all;
  }
  // The line of the whole run about something with such a name.
  nlohmann::json line_of(const std::string& what, const std::string& name) const {
    for (const nlohmann::json& line : lines()) {
      if (!line.contains("from") && line["what"] == what &&
          line["name"].get<std::string>().find(name) != std::string::npos)
        return line;
    }
    ADD_FAILURE() << "no " << what << " " << name << " in " << out_;
    return {};
  }

  TemporaryFolder folder_;
  ConnectorRegistry registry_;
  flow::Runtime runtime_{{.memory_bytes = std::size_t{1} << 30}};
  std::unique_ptr<server::JobHost> host_;
  std::unique_ptr<server::Api> api_;
  std::unique_ptr<server::HttpServer> http_;
  AuditArguments arguments_;
  std::string out_;
  std::string error_;
};

TEST_F(JobAuditTest, TheOperatorThatLosesABatchIsNamedFirst) {
  sql::Session session(registry_, runtime_);
  auto compiled = session.compile(
      "SET 'slipstream.batch-rows' = '100'; SET 'parallelism.default' = '1';"
      "CREATE TABLE n (k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000',"
      "'rows-per-second' = '0');"
      "CREATE TABLE o (k INT, c BIGINT) WITH ('connector' = 'blackhole');"
      "INSERT INTO o SELECT m, COUNT(*) FROM (SELECT k % 7 AS m FROM n) GROUP BY m;");
  ASSERT_TRUE(compiled.ok());
  std::vector<sql::RelPtr> plans;
  for (sql::Step& step : compiled.steps) {
    if (step.kind == sql::Step::Kind::kInsert) plans.push_back(std::move(step.plan));
  }
  auto graph = session.graph(plans, {});
  ASSERT_TRUE(graph.ok()) << graph.status().to_string();
  flow::Node& project = graph->nodes[1];
  ASSERT_EQ(project.name, "Project");
  project.make = [whole = project.make]() -> Result<std::unique_ptr<flow::Operator>> {
    auto made = whole();
    if (!made.ok()) return made;
    return std::unique_ptr<flow::Operator>(std::make_unique<LosesABatch>(*std::move(made)));
  };
  flow::EngineOptions options(*session.job_options());
  auto job = flow::Job::start(runtime_, *std::move(graph), options, nullptr);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE((*job)->wait().ok());
  serve([&](const server::HttpRequest& request) {
    EXPECT_EQ(request.path, "/api/v1/jobs/counts/audit");
    server::HttpResponse response;
    response.body = server::audit_json(*(*job)->audit()->report());
    return response;
  });
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("first at operator 'Project': 100 rows are missing"));
  EXPECT_EQ(line_of("edge", "Source(n) -> Project")["verdict"], "equal");
  const nlohmann::json wrong = line_of("operator", "Project");
  EXPECT_EQ(wrong["in"], 1'000);
  EXPECT_EQ(wrong["out"], 900);
  EXPECT_EQ(wrong["missing"], 100);
  EXPECT_EQ(wrong["verdict"], "missing");
  EXPECT_EQ(line_of("edge", "Project -> GroupAggregate")["verdict"], "equal");
  EXPECT_EQ(lines().back()["verdict"], "missing") << "the minute";
  EXPECT_TRUE(lines().back().contains("from"));
}

// Filters, late rows, NULL that is dropped, a join, aggregates and five sinks.
TEST_F(JobAuditTest, WhatIsDroppedOnPurposeIsNotMissing) {
  std::ofstream orders(folder_.path() + "/orders.csv");
  for (int i = 0; i < 500; ++i) {
    const int minute = i % 10 == 9 ? 0 : i / 10;  // each tenth is late
    orders << i << "," << i % 5 << ",2024-05-05 10:" << (minute < 10 ? "0" : "") << minute
           << ":00\n";
  }
  orders.close();
  serve_jobs();
  const auto sink = [](const std::string& name, const std::string& columns) {
    return "CREATE TABLE " + name + " (" + columns + ") WITH ('connector' = 'blackhole');";
  };
  ASSERT_NO_FATAL_FAILURE(submit(
      "SET 'parallelism.default' = '2'; SET 'slipstream.batch-rows' = '4';"
      "SET 'execution.checkpointing.interval' = '10 ms'; SET 'slipstream.audit' = 'true';"
      "SET 'table.exec.sink.not-null-enforcer' = 'drop';"
      "CREATE TABLE orders (id INT, account INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH "
      "('connector' = 'filesystem', 'format' = 'csv', 'path' = '" +
      folder_.path() + "/orders.csv');" + sink("big", "id INT") +
      sink("strict", "id INT NOT NULL") + sink("per_minute", "starts TIMESTAMP(3), n BIGINT") +
      sink("pairs", "a INT, b INT") + sink("counts", "account INT, n BIGINT") +
      "INSERT INTO big SELECT id FROM orders WHERE id >= 200;"
      "INSERT INTO strict SELECT NULLIF(account, 3) FROM orders;"
      "INSERT INTO per_minute SELECT window_start, COUNT(*) FROM "
      "TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;"
      "INSERT INTO pairs SELECT a.id, b.id FROM orders a JOIN orders b ON a.id = b.id;"
      "INSERT INTO counts SELECT account, COUNT(*) FROM orders GROUP BY account;"));
  ASSERT_TRUE(wait_until([&] { return !host_->find("counts")->is_active(); }));
  ASSERT_EQ(host_->find("counts")->view().state, server::JobState::kFinished);
  EXPECT_EQ(run(), kExitOk) << out_ << error_;
  EXPECT_THAT(error_, HasSubstr(" edges, row by row"));
  EXPECT_EQ(line_of("operator", "Filter(")["dropped"], 200);
  EXPECT_EQ(line_of("operator", "NotNull(strict)")["dropped"], 100);
  EXPECT_EQ(line_of("operator", "NotNull(strict)")["missing"], 0);
  EXPECT_GT(line_of("operator", "WindowAggregate(")["dropped"], 0);
  EXPECT_EQ(line_of("operator", "Join")["in"], 1'000);
  EXPECT_EQ(line_of("operator", "Join")["verdict"], "not-compared");
  EXPECT_EQ(line_of("edge", "-> Sink(big)")["out"], 300);
  arguments_.all_minutes = true;
  EXPECT_EQ(run(), kExitOk);
  EXPECT_TRUE(lines().back().contains("from")) << "minutes that are equal, too";
}

TEST_F(JobAuditTest, ARunningJobIsAuditedAsOfItsNewestCheckpoint) {
  serve_jobs();
  ASSERT_NO_FATAL_FAILURE(
      submit("SET 'execution.checkpointing.interval' = '10 ms'; SET 'parallelism.default' = '2';"
             "CREATE TABLE n (k INT) WITH ('connector' = 'datagen');"
             "CREATE TABLE o (k INT, c BIGINT) WITH ('connector' = 'blackhole');"
             "INSERT INTO o SELECT k % 10, COUNT(*) FROM n GROUP BY k % 10;"));
  ASSERT_TRUE(
      wait_until([&] { return host_->find("counts")->report().completed_checkpoints > 5; }));
  EXPECT_EQ(run(), kExitOk) << out_ << error_;
  EXPECT_THAT(error_, HasSubstr("by numbers of rows"));
  EXPECT_GT(line_of("edge", "Source(n)")["out"], 0);
}

TEST_F(JobAuditTest, WrongCallsAreRefused) {
  serve_jobs();
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("there is no job 'counts'"));
  ASSERT_NO_FATAL_FAILURE(
      submit("SET 'execution.checkpointing.interval' = '1 h';"
             "CREATE TABLE n (k INT) WITH ('connector' = 'datagen');"
             "CREATE TABLE o (k INT) WITH ('connector' = 'blackhole');"
             "INSERT INTO o SELECT k FROM n;"));
  EXPECT_EQ(run(), kExitFailed);
  EXPECT_THAT(error_, HasSubstr("has completed no checkpoint in this run"));
  arguments_.server.url = "localhost";
  EXPECT_EQ(run(), kExitUsage);
  arguments_.job.clear();
  EXPECT_EQ(run(), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("--in and --out are needed, or --job"));
}

}  // namespace
}  // namespace slipstream::cli
