#include "server/job_host.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "connectors/blackhole/blackhole_connector.h"
#include "connectors/datagen/datagen_connector.h"

namespace slipstream::server {
namespace {

constexpr const char* kNumbers =
    "SET 'execution.checkpointing.interval' = '1 h'; SET 'parallelism.default' = '1';\n"
    "CREATE TABLE numbers (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20');\n"
    "CREATE TABLE kept (k INT) WITH ('connector' = 'blackhole');\n"
    "INSERT INTO kept SELECT k FROM numbers;\n";

// A connector whose starts wait until the gate is open.
struct Gate {
  std::atomic<bool> is_open{true};
  std::atomic<bool> is_waited_at{false};
};
class GatedDatagen final : public ConnectorFactory {
 public:
  explicit GatedDatagen(Gate& gate) : gate_(gate) {}
  std::string_view name() const override { return "gated"; }
  std::string_view description() const override { return datagen_->description(); }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return datagen_->options(); }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    gate_.is_waited_at = !gate_.is_open;
    EXPECT_TRUE(wait_until([&] { return gate_.is_open.load(); }));
    return datagen_->make_source(request);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return datagen_->make_sink(request);
  }

 private:
  Gate& gate_;
  const std::unique_ptr<ConnectorFactory> datagen_ = datagen_connector::make_factory();
};

class JobHostTest : public testing::Test {
 protected:
  void SetUp() override {
    registry_.add(datagen_connector::make_factory());
    registry_.add(blackhole_connector::make_factory());
    registry_.add(std::make_unique<GatedDatagen>(gate_));
    open();
  }
  void open() {
    host_.reset();
    auto host = JobHost::open(registry_, runtime_, folder_.path() + "/state");
    ASSERT_TRUE(host.ok()) << host.status().to_string();
    host_ = std::move(*host);
  }
  std::optional<Refusal> submit(const std::string& name, const std::string& sql = kNumbers) {
    JobHost::Submission submission;
    submission.name = name;
    submission.sql = sql;
    return host_->submit(std::move(submission));
  }

  Gate gate_;
  TemporaryFolder folder_;
  ConnectorRegistry registry_;
  flow::Runtime runtime_{{.memory_bytes = std::size_t{1} << 30}};
  std::unique_ptr<JobHost> host_;
};

TEST_F(JobHostTest, AJobThatWasRemovedDoesNotComeBackWithARestart) {
  ASSERT_FALSE(submit("counts"));
  const auto job = host_->find("counts");
  EXPECT_FALSE(job->cancel());
  job->await_end();
  EXPECT_FALSE(host_->remove("counts"));
  // It was found before it was removed.
  const auto refused = job->restart({});
  EXPECT_TRUE(refused && refused->reason == Refusal::Reason::kNotFound);
  if (!refused) static_cast<void>(job->cancel());
  job->await_end();
  open();
  EXPECT_TRUE(host_->jobs().empty());
}

TEST_F(JobHostTest, AJobThatWasRemovedLeavesTheRecordOfAnotherAlone) {
  ASSERT_FALSE(submit("counts"));
  const auto first = host_->find("counts");
  EXPECT_FALSE(first->cancel());
  first->await_end();
  EXPECT_FALSE(host_->remove("counts"));
  ASSERT_FALSE(submit("counts"));
  const auto refused = first->remove();
  EXPECT_TRUE(refused && refused->reason == Refusal::Reason::kNotFound);
  open();
  EXPECT_EQ(host_->jobs().size(), 1U);
}

// Between the failed start of a job and its end it may be removed, and its name be taken again.
TEST_F(JobHostTest, ARefusedJobDoesNotTakeAnotherOfItsNameAlong) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> refused{false};
    std::thread client([&] {
      EXPECT_TRUE(submit("x", "no SQL"));
      refused = true;
    });
    while (!refused && host_->remove("x")) std::this_thread::yield();
    const bool runs = !submit("x").has_value();
    client.join();
    if (!runs) continue;  // the refused one had the name still
    const auto job = host_->find("x");
    ASSERT_TRUE(job != nullptr) << round;
    EXPECT_FALSE(job->cancel());
    job->await_end();
    EXPECT_FALSE(host_->remove("x"));
  }
}

TEST_F(JobHostTest, HasteReachesAJobThatIsBeingStarted) {
  gate_.is_open = false;
  std::string sql = kNumbers;
  sql.replace(sql.find("datagen"), std::string("datagen").size(), "gated");
  std::thread client([&] { EXPECT_FALSE(submit("counts", sql)); });
  EXPECT_TRUE(wait_until([&] { return gate_.is_waited_at.load(); }));
  const auto job = host_->find("counts");
  std::thread end([&] { host_->shut_down(); });
  EXPECT_TRUE(wait_until([&] { return job->view().state == JobState::kStopping; }));
  host_->hurry();
  gate_.is_open = true;
  client.join();
  end.join();
  EXPECT_EQ(job->report().completed_checkpoints, 0U) << "no savepoint";
  EXPECT_TRUE(job->view().record.wanted) << "the next server goes on with it";
}

TEST_F(JobHostTest, AJobHasAPointEveryFiveSecondsThatItRuns) {
  FakeClock clock;
  flow::Runtime runtime({.memory_bytes = std::size_t{1} << 30, .clock = &clock});
  auto host = JobHost::open(registry_, runtime, folder_.path() + "/other");
  ASSERT_TRUE(host.ok()) << host.status().to_string();
  (*host)->resume();
  JobHost::Submission submission;
  submission.sql = kNumbers;
  for (const char* name : {"counts", "other"}) {
    submission.name = name;
    ASSERT_FALSE((*host)->submit(submission));
  }
  const auto job = (*host)->find("counts");
  const auto other = (*host)->find("other");  // shows that points are taken still
  const auto eventually = [&](const std::function<bool()>& condition) {
    return wait_until([&] {
      clock.advance_ms(500);
      return condition();
    });
  };
  std::vector<SeriesPoint> points;
  ASSERT_TRUE(eventually([&] {
    points = job->series(0);
    const auto has_rows = [](const SeriesPoint& point) { return point.rows_read > 0; };
    return points.size() >= 3 && std::any_of(points.begin(), points.end(), has_rows);
  }));
  EXPECT_GE(points[1].at_ms - points[0].at_ms, JobSeries::kIntervalMs);
  EXPECT_EQ(points[1].lag, -1);
  EXPECT_EQ(job->series(points[1].at_ms).front().at_ms, points[2].at_ms);
  EXPECT_FALSE(job->cancel());
  job->await_end();
  const std::int64_t newest_ms = job->series(0).back().at_ms;
  const std::int64_t others_ms = other->series(0).back().at_ms;
  ASSERT_TRUE(eventually([&] { return other->series(others_ms).size() >= 3; }));
  EXPECT_TRUE(job->series(newest_ms).empty()) << "it has ended";
}

}  // namespace
}  // namespace slipstream::server
