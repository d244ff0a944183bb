#include "server/job_series.h"

#include <gtest/gtest.h>

namespace slipstream::server {
namespace {

constexpr std::int64_t kRun = 7;
constexpr std::int64_t kWallMs = 1'700'000'000'000;

// A source of two tasks and a sink of one.
class JobSeriesTest : public testing::Test {
 protected:
  void SetUp() override {
    report_.vertices = {{.name = "read", .parallelism = 2}, {.name = "write", .parallelism = 1}};
    report_.edges = {{.from = 0, .to = 1}};
    for (const std::size_t vertex : {0U, 0U, 1U}) {
      TaskReport task;
      task.vertex = vertex;
      report_.tasks.push_back(task);
    }
  }
  void sample(std::int64_t after_ms = JobSeries::kIntervalMs, std::int64_t run = kRun) {
    now_ms_ += after_ms;
    series_.sample(report_, run, now_ms_, kWallMs + now_ms_);
  }
  void complete(CheckpointId id, int ms, std::uint64_t bytes, bool completed = true) {
    CheckpointReport checkpoint;
    checkpoint.id = id;
    checkpoint.completed = completed;
    checkpoint.duration = std::chrono::milliseconds(ms);
    checkpoint.state_bytes = bytes;
    report_.checkpoints.push_back(checkpoint);
  }
  SeriesPoint newest() const { return series_.since(0).back(); }

  JobReport report_;
  std::int64_t now_ms_ = 0;
  JobSeries series_;
};

TEST_F(JobSeriesTest, RatesAreOfTheTimeSinceThePointBefore) {
  report_.tasks[0].rows_in = 1'000'000;
  sample();
  EXPECT_TRUE(series_.since(0).empty()) << "there is nothing to compare with";
  report_.tasks[0].rows_in += 400;
  report_.tasks[1].rows_in += 100;
  report_.tasks[2].rows_written = 50;
  sample();
  EXPECT_EQ(newest().at_ms, kWallMs + now_ms_);
  EXPECT_FLOAT_EQ(newest().rows_read, 100);
  EXPECT_FLOAT_EQ(newest().rows_written, 10);
  report_.tasks[0].rows_in += 400;
  sample(20'000);
  EXPECT_FLOAT_EQ(newest().rows_read, 20) << "the sample came late";
}

TEST_F(JobSeriesTest, ARestartGoesOnAndANewRunBeginsAnew) {
  report_.tasks[0].rows_in = 1'000;
  report_.tasks[0].busy_ms = 9'000;
  sample();
  report_.restarts = 1;
  report_.earlier_rows_read = 1'000;
  report_.tasks[0].rows_in = 500;
  report_.tasks[0].busy_ms = 1'000;
  report_.tasks[0].idle_ms = 3'000;
  sample();
  EXPECT_EQ(newest().restarts, 1U);
  EXPECT_FLOAT_EQ(newest().rows_read, 100);
  EXPECT_FLOAT_EQ(newest().busy, 0.25F) << "tasks count from zero";
  sample(JobSeries::kIntervalMs, kRun + 1);
  EXPECT_EQ(series_.since(0).size(), 1U) << "two runs are not compared";
}

TEST_F(JobSeriesTest, SharesAreThoseOfTheVerticesThatSufferMost) {
  sample();
  report_.tasks[0].backpressured_ms = 4'000;
  report_.tasks[0].busy_ms = 1'000;
  report_.tasks[1].idle_ms = 5'000;
  report_.tasks[2].busy_ms = 4'500;
  report_.tasks[2].idle_ms = 500;
  sample();
  EXPECT_FLOAT_EQ(newest().busy, 0.9F);
  EXPECT_FLOAT_EQ(newest().backpressured, 0.4F);
}

TEST_F(JobSeriesTest, ACheckpointIsInOnePointOnly) {
  complete(1, 900, 10);
  sample();
  complete(2, 300, 20);
  complete(3, 200, 30);
  complete(4, 9'000, 0, false);
  sample();
  EXPECT_EQ(newest().checkpoint_ms, 300);
  EXPECT_EQ(newest().state_bytes, 30);
  sample();
  EXPECT_EQ(newest().checkpoint_ms, -1);
  EXPECT_EQ(newest().state_bytes, -1);
}

TEST_F(JobSeriesTest, LagIsThatOfAllSplits) {
  EXPECT_EQ(lag_of(report_), std::nullopt);
  report_.tasks[0].splits = {{.id = "a", .lag = 3}, {.id = "b", .lag = 4}};
  report_.tasks[1].splits = {{.id = "c", .lag = 5}};
  EXPECT_EQ(lag_of(report_), 12);
  sample();
  sample();
  EXPECT_EQ(newest().lag, 12);
}

TEST_F(JobSeriesTest, AnHourIsKept) {
  for (std::size_t i = 0; i < JobSeries::kPointsMax + 100; ++i) sample();
  const auto all = series_.since(0);
  EXPECT_EQ(all.size(), JobSeries::kPointsMax);
  EXPECT_EQ(all.back().at_ms - all.front().at_ms, 3'600'000 - JobSeries::kIntervalMs);
  EXPECT_EQ(series_.since(all[700].at_ms).size(), 19U);
}

}  // namespace
}  // namespace slipstream::server
