#include "cli/job_progress.h"

#include <algorithm>
#include <utility>

#include "flow/metrics.h"

namespace slipstream::cli {
namespace {

std::int64_t sum_of(const MetricStore& store, std::string_view name, const std::string& job) {
  std::int64_t sum = 0;
  for (const auto& sample : store.samples(name)) {
    const auto label = sample.labels.find("job");
    if (label != sample.labels.end() && label->second == job) sum += sample.value;
  }
  return sum;
}

// The least of the tasks that have one; what ended does not hold it back.
std::optional<flow::EventTime> watermark_of(const JobReport& report) {
  std::optional<flow::EventTime> least;
  for (const TaskReport& task : report.tasks) {
    if (task.watermark == flow::kMinWatermark || task.watermark == flow::kMaxWatermark) continue;
    least = std::min(least.value_or(task.watermark), task.watermark);
  }
  return least;
}

const char* name_of(JobReport::State state) {
  switch (state) {
    case JobReport::State::kStarting:
      return "starting";
    case JobReport::State::kRunning:
      return "running";
    case JobReport::State::kRestarting:
      return "restarting";
    case JobReport::State::kStopping:
      return "stopping";
    case JobReport::State::kFinished:
      return "finished";
    case JobReport::State::kFailed:
      return "failed";
  }
  return "running";
}

std::string with_rate(const std::string& text, const Rate& rate) {
  return text + " (" + grouped(rate.per_second()) + "/s)";
}

}  // namespace

std::vector<MetricFamily> skipped_families(const ConnectorRegistry& connectors) {
  std::vector<MetricFamily> skipped;
  for (const ConnectorFactory* factory : connectors.all()) {
    for (const MetricFamily& family : factory->metrics()) {
      const bool known = std::any_of(skipped.begin(), skipped.end(), [&](const MetricFamily& each) {
        return each.name == family.name;
      });
      if (family.role == MetricRole::kSkipped && !known) skipped.push_back(family);
    }
  }
  return skipped;
}

JobCounts count_of(const MetricStore& store, const std::vector<MetricFamily>& skipped,
                   const std::string& job) {
  JobCounts counts;
  counts.late = sum_of(store, flow::kLateRows.name, job);
  for (const MetricFamily& family : skipped) counts.skipped += sum_of(store, family.name, job);
  return counts;
}

void JobProgress::observe(const JobReport& report, const JobCounts& counts, std::int64_t now_ms,
                          std::int64_t wall_ms) {
  restarts_ = report.restarts;
  now_ms_ = now_ms;
  state_ = report.state;
  read_ = flow::rows_read(report);
  written_ = counts.printed.value_or(flow::rows_written(report));
  checkpoints_ = report.completed_checkpoints;
  last_error_ = report.last_error;
  const auto watermark = watermark_of(report);
  behind_ms_ = watermark ? std::optional(wall_ms - *watermark) : std::nullopt;
  counts_ = counts;
  restore_bytes_ = static_cast<std::int64_t>(report.restore_bytes);
  restored_bytes_ = static_cast<std::int64_t>(report.restored_bytes);
  restored_rate_.observe(now_ms, restored_bytes_);
  publishing_ = report.publishing;
  read_rate_.observe(now_ms, read_);
  written_rate_.observe(now_ms, written_);
  observe_splits(report);
  passed_rate_.observe(now_ms, passed_);
}

void JobProgress::observe_splits(const JobReport& report) {
  std::int64_t passed = 0;
  std::optional<std::int64_t> lag;
  std::map<std::string, std::int64_t> seen;  // splits that are gone are forgotten
  for (const TaskReport& task : report.tasks) {
    for (const SplitReport& split : task.splits) {
      if (split.position < 0 || split.end < 0) continue;
      const std::string key = task.name + '\n' + split.id;
      const auto known = first_positions_.find(key);
      const std::int64_t first = known == first_positions_.end() ? split.position : known->second;
      seen.emplace(key, first);
      passed += split.position - first;
      lag = lag.value_or(0) + split.lag;
    }
  }
  if (!lag) return;
  first_positions_ = std::move(seen);
  passed_ = std::max<std::int64_t>(0, passed);
  lag_ = lag;
}

std::string JobProgress::input_text() const {
  if (!lag_) return "";
  if (!bounded_) return "lag " + grouped(*lag_);
  const std::int64_t all = passed_ + *lag_;
  if (all == 0) return "";
  std::string text = std::to_string(passed_ * 100 / all) + " %";
  const std::int64_t rate = passed_rate_.per_second();
  if (*lag_ > 0 && rate > 0) text += ", " + duration_text(*lag_ * 1'000 / rate) + " left";
  return text;
}

std::string JobProgress::restore_text() const {
  const std::int64_t left = restore_bytes_ - restored_bytes_;
  if (left <= 0) return "";
  std::string text = "restoring " + std::to_string(restored_bytes_ * 100 / restore_bytes_) +
                     " % of " + bytes_text(restore_bytes_);
  const std::int64_t rate = restored_rate_.per_second();
  if (rate > 0) text += ", " + duration_text(left * 1'000 / rate) + " left";
  return text;
}

ProgressFacts JobProgress::facts() const {
  ProgressFacts facts;
  facts.push_back("job '" + name_ + "' " + name_of(state_));
  if (const std::string text = restore_text(); !text.empty()) facts.push_back(text);
  if (!publishing_.empty()) facts.push_back(publishing_);
  facts.push_back(with_rate("read " + grouped(read_), read_rate_));
  facts.push_back(with_rate("wrote " + grouped(written_), written_rate_));
  if (const std::string text = input_text(); !text.empty()) facts.push_back(text);
  if (restarts_ > 0) facts.push_back(counted(static_cast<std::int64_t>(restarts_), "restart"));
  if (behind_ms_)
    facts.push_back("watermark " + duration_text(std::max<std::int64_t>(0, *behind_ms_)) +
                    " behind");
  facts.push_back(counted(static_cast<std::int64_t>(checkpoints_), "checkpoint"));
  const std::int64_t late = counts_.late - before_.late;
  if (late > 0) facts.push_back("late " + grouped(late));
  const std::int64_t skipped = counts_.skipped - before_.skipped;
  if (skipped > 0) facts.push_back("skipped " + grouped(skipped));
  if (state_ == JobReport::State::kRestarting) facts.push_back(last_error_);
  return facts;
}

std::string JobProgress::summary() const {
  std::string text = "job '" + name_ + "': read " + counted(read_, "row") + ", wrote " +
                     grouped(written_) + ", late " + grouped(counts_.late - before_.late) +
                     ", skipped " + grouped(counts_.skipped - before_.skipped);
  if (restarts_ > 0) text += ", " + counted(static_cast<std::int64_t>(restarts_), "restart");
  return text + ", in " + duration_text(now_ms_ - started_ms_);
}

}  // namespace slipstream::cli
