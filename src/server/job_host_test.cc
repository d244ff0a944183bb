#include "server/job_host.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

class JobHostTest : public testing::Test {
 protected:
  void SetUp() override {
    registry_.add(datagen_connector::make_factory());
    registry_.add(blackhole_connector::make_factory());
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

}  // namespace
}  // namespace slipstream::server
