#include "server/job_series.h"

#include <algorithm>
#include <utility>

#include "flow/job.h"

namespace slipstream::server {

JobSeries::Sample JobSeries::sample_of(const JobReport& report) {
  Sample sample;
  sample.rows_read = flow::rows_read(report);
  sample.rows_written = flow::rows_written(report);
  sample.restarts = report.restarts;
  sample.vertices.resize(report.vertices.size());
  for (const TaskReport& task : report.tasks) {
    Spent& spent = sample.vertices.at(task.vertex);
    spent.busy_ms += task.busy_ms;
    spent.idle_ms += task.idle_ms;
    spent.backpressured_ms += task.backpressured_ms;
  }
  for (const CheckpointReport& each : report.checkpoints) {
    if (each.completed) sample.checkpoint = std::max(sample.checkpoint, each.id);
  }
  return sample;
}

// Tasks count from zero after a restart.
void JobSeries::add_shares(const Sample& now, const Sample& before, SeriesPoint& point) {
  const bool same_tasks =
      now.restarts == before.restarts && now.vertices.size() == before.vertices.size();
  for (std::size_t i = 0; i < now.vertices.size(); ++i) {
    const Spent then = same_tasks ? before.vertices[i] : Spent{};
    const double busy = now.vertices[i].busy_ms - then.busy_ms;
    const double idle = now.vertices[i].idle_ms - then.idle_ms;
    const double backpressured = now.vertices[i].backpressured_ms - then.backpressured_ms;
    const double all = busy + idle + backpressured;
    if (all <= 0) continue;
    const auto of_all = [&](double part) {
      return static_cast<float>(std::clamp(part / all, 0.0, 1.0));
    };
    point.busy = std::max(point.busy, of_all(busy));
    point.backpressured = std::max(point.backpressured, of_all(backpressured));
  }
}

void JobSeries::add_checkpoints(const JobReport& report, CheckpointId before, SeriesPoint& point) {
  for (const CheckpointReport& each : report.checkpoints) {
    if (!each.completed || each.id <= before) continue;
    point.checkpoint_ms =
        std::max(point.checkpoint_ms, static_cast<std::int32_t>(each.duration.count()));
    point.state_bytes = static_cast<std::int64_t>(each.state_bytes);
  }
}

void JobSeries::sample(const JobReport& report, std::int64_t run, std::int64_t now_ms,
                       std::int64_t wall_ms) {
  Sample now = sample_of(report);
  now.run = run;
  now.now_ms = now_ms;
  const auto before = std::exchange(last_, now);
  if (!before || before->run != run || now_ms <= before->now_ms) return;
  const auto per_second = [&](std::int64_t rows, std::int64_t rows_before) {
    const double seconds = static_cast<double>(now_ms - before->now_ms) / 1'000;
    return static_cast<float>(std::max(0.0, static_cast<double>(rows - rows_before) / seconds));
  };
  SeriesPoint point;
  point.at_ms = wall_ms;
  point.restarts = static_cast<std::uint32_t>(now.restarts);
  point.rows_read = per_second(now.rows_read, before->rows_read);
  point.rows_written = per_second(now.rows_written, before->rows_written);
  point.lag = lag_of(report).value_or(-1);
  add_shares(now, *before, point);
  add_checkpoints(report, before->checkpoint, point);
  points_.push_back(point);
  if (points_.size() > kPointsMax) points_.pop_front();
}

std::vector<SeriesPoint> JobSeries::since(std::int64_t wall_ms) const {
  std::vector<SeriesPoint> later;
  for (const SeriesPoint& point : points_) {
    if (point.at_ms > wall_ms) later.push_back(point);
  }
  return later;
}

std::optional<std::int64_t> lag_of(const JobReport& report) {
  std::optional<std::int64_t> lag;
  for (const TaskReport& task : report.tasks) {
    for (const SplitReport& split : task.splits) lag = lag.value_or(0) + split.lag;
  }
  return lag;
}

}  // namespace slipstream::server
