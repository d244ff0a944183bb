#include "cli/job_progress.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/connectors.h"

namespace slipstream::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kWallMs = 1'700'000'000'000;

// A source and a sink behind one exchange.
JobReport report_of(std::int64_t read, std::int64_t written) {
  JobReport report;
  report.state = JobReport::State::kRunning;
  report.vertices = {{"Source", 1}, {"Sink", 1}};
  report.edges.push_back({.from = 0, .to = 1});
  report.tasks.resize(2);
  report.tasks[0].name = "Source";
  report.tasks[0].rows_in = report.tasks[0].rows_out = read;
  report.tasks[1].name = "Sink";
  report.tasks[1].vertex = 1;
  report.tasks[1].rows_in = read;
  report.tasks[1].rows_written = written;
  return report;
}

// mq and mq5 count under the names of rocketmq.
TEST(JobProgressTest, WhatSeveralConnectorsCountIsCountedOnce) {
  std::map<std::string_view, int> times;
  for (const MetricFamily& family : skipped_families(*builtin_connectors())) ++times[family.name];
  EXPECT_THAT(times, Contains(testing::Pair("rocketmq_source_ignored_total", 1)));
  for (const auto& [name, count] : times) EXPECT_EQ(count, 1) << name;
}

TEST(JobProgressTest, ShowsRowsRatesAndCheckpoints) {
  JobProgress progress("orders", false, {}, 0);
  progress.observe(report_of(0, 0), {}, 0, kWallMs);
  JobReport report = report_of(12'000, 30);
  report.completed_checkpoints = 2;
  progress.observe(report, {}, 2'000, kWallMs);
  EXPECT_THAT(progress.facts(), ElementsAre("job 'orders' running", "read 12,000 (6,000/s)",
                                            "wrote 30 (15/s)", "2 checkpoints"));
  EXPECT_EQ(progress.summary(),
            "job 'orders': read 12,000 rows, wrote 30, late 0, skipped 0, in 2.0 s");
}

TEST(JobProgressTest, ShowsTheLagOrTheShareOfAnInputThatEnds) {
  JobProgress endless("a", false, {}, 0);
  JobReport behind = report_of(10, 0);
  behind.tasks[0].splits = {
      {"t/a/0", 10, 1'010, 1'000}, {"t/a/1", 0, 500, 500}, {"t/a/2", -1, -1, 0}};
  endless.observe(behind, {}, 0, kWallMs);
  EXPECT_THAT(endless.facts(), Contains("lag 1,500"));
  JobProgress bounded("a", true, {}, 0);
  JobReport begin = report_of(0, 0);
  begin.tasks[0].splits = {{"t/a/0", 100, 1'100, 1'000}};
  bounded.observe(begin, {}, 0, kWallMs);
  JobReport later = report_of(250, 0);
  later.tasks[0].splits = {{"t/a/0", 350, 1'100, 750}};
  bounded.observe(later, {}, 1'000, kWallMs);
  EXPECT_THAT(bounded.facts(), Contains("25 %, 3.0 s left"));
}

TEST(JobProgressTest, ShowsHowFarTheWatermarkIsBehindAndWhatWasGivenUp) {
  JobProgress progress("a", false, {.late = 5, .skipped = 1}, 0);
  JobReport report = report_of(10, 0);
  report.tasks[0].watermark = kWallMs - 3'200;
  report.tasks[1].watermark = flow::kMinWatermark;
  progress.observe(report, {.late = 7, .skipped = 2}, 0, kWallMs);
  EXPECT_THAT(progress.facts(), Contains("watermark 3.2 s behind"));
  EXPECT_THAT(progress.facts(), Contains("late 2"));
  EXPECT_THAT(progress.facts(), Contains("skipped 1"));
  EXPECT_THAT(progress.summary(), HasSubstr("late 2, skipped 1"));
}

TEST(JobProgressTest, ShowsHowMuchStateIsReadBack) {
  JobProgress progress("a", false, {}, 0);
  JobReport report = report_of(0, 0);
  report.restore_bytes = 40 << 20;
  progress.observe(report, {}, 0, kWallMs);
  EXPECT_THAT(progress.facts(), Contains("restoring 0 % of 40.0 MiB"));
  report.restored_bytes = 10 << 20;
  progress.observe(report, {}, 2'000, kWallMs);
  EXPECT_THAT(progress.facts(), Contains("restoring 25 % of 40.0 MiB, 6.0 s left"));
  EXPECT_EQ(progress.facts()[1], "restoring 25 % of 40.0 MiB, 6.0 s left") << "before the rows";
  report.restored_bytes = report.restore_bytes;
  progress.observe(report, {}, 8'000, kWallMs);
  EXPECT_THAT(progress.facts(), Not(Contains(HasSubstr("restoring"))));
}

TEST(JobProgressTest, ShowsWhatASinkLooksThrough) {
  JobProgress progress("a", false, {}, 0);
  JobReport report = report_of(0, 0);
  report.publishing = "looked through 12 of 30 messages of the output queues";
  progress.observe(report, {}, 0, kWallMs);
  EXPECT_EQ(progress.facts()[1], report.publishing);
  report.publishing.clear();
  progress.observe(report, {}, 1'000, kWallMs);
  EXPECT_THAT(progress.facts(), Not(Contains(HasSubstr("looked through"))));
}

TEST(JobProgressTest, RowsOfEarlierAttemptsCount) {
  JobProgress progress("a", false, {}, 0);
  progress.observe(report_of(100, 40), {}, 1'000, kWallMs);
  JobReport restarting = report_of(120, 50);
  restarting.state = JobReport::State::kRestarting;
  restarting.last_error = "unavailable: broker is away";
  restarting.restarts = 1;
  progress.observe(restarting, {}, 2'000, kWallMs);
  EXPECT_THAT(progress.facts(), Contains("job 'a' restarting"));
  EXPECT_THAT(progress.facts(), Contains("1 restart"));
  EXPECT_THAT(progress.facts(), Contains("unavailable: broker is away"));
  JobReport again = report_of(7, 2);
  again.restarts = 1;
  again.earlier_rows_read = 120;
  again.earlier_rows_written = 50;
  progress.observe(again, {}, 3'000, kWallMs);
  EXPECT_THAT(progress.summary(), HasSubstr("read 127 rows, wrote 52"));
  EXPECT_THAT(progress.summary(), HasSubstr("1 restart, in 3.0 s"));
}

}  // namespace
}  // namespace slipstream::cli
