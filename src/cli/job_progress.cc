#include "cli/job_progress.h"

#include <algorithm>

#include "connectors/filesystem/metrics.h"
#include "connectors/rocketmq/metrics.h"
#include "flow/metrics.h"

namespace slipstream::cli {
namespace {

std::optional<std::int64_t> sum_of(const MetricStore& store, std::string_view name,
                                   const std::string& job) {
  std::optional<std::int64_t> sum;
  for (const auto& sample : store.samples(name)) {
    const auto label = sample.labels.find("job");
    if (label != sample.labels.end() && label->second == job) sum = sum.value_or(0) + sample.value;
  }
  return sum;
}

// The least of the tasks that have one; what ended does not hold it back.
std::optional<flow::EventTime> watermark_of(const flow::JobReport& report) {
  std::optional<flow::EventTime> least;
  for (const flow::TaskReport& task : report.tasks) {
    if (task.watermark == flow::kMinWatermark || task.watermark == flow::kMaxWatermark) continue;
    least = std::min(least.value_or(task.watermark), task.watermark);
  }
  return least;
}

const char* name_of(flow::JobReport::State state) {
  switch (state) {
    case flow::JobReport::State::kStarting:
      return "starting";
    case flow::JobReport::State::kRunning:
      return "running";
    case flow::JobReport::State::kRestarting:
      return "restarting";
    case flow::JobReport::State::kStopping:
      return "stopping";
    case flow::JobReport::State::kFinished:
      return "finished";
    case flow::JobReport::State::kFailed:
      return "failed";
  }
  return "running";
}

std::string with_rate(const std::string& text, const Rate& rate) {
  return text + " (" + grouped(rate.per_second()) + "/s)";
}

}  // namespace

JobCounts count_of(const MetricStore& store, const std::string& job) {
  JobCounts counts;
  counts.late = sum_of(store, flow::kLateRows.name, job).value_or(0);
  for (const MetricFamily& family :
       {rocketmq_connector::kSourceDecodeErrors, rocketmq_connector::kSourceIgnored,
        filesystem_connector::kSourceDecodeErrors, filesystem_connector::kSourceIgnored}) {
    counts.skipped += sum_of(store, family.name, job).value_or(0);
  }
  counts.messages = sum_of(store, rocketmq_connector::kSourceMessages.name, job).value_or(0);
  counts.lag = sum_of(store, rocketmq_connector::kSourceLag.name, job);
  return counts;
}

void JobProgress::observe(const flow::JobReport& report, const JobCounts& counts,
                          std::int64_t now_ms, std::int64_t wall_ms) {
  if (report.restarts != restarts_) {
    attempt_messages_ = counts.messages;
    restarts_ = report.restarts;
  }
  now_ms_ = now_ms;
  state_ = report.state;
  read_ = flow::rows_read(report);
  written_ = counts.printed.value_or(flow::rows_written(report));
  checkpoints_ = report.completed_checkpoints;
  last_error_ = report.last_error;
  const auto watermark = watermark_of(report);
  behind_ms_ = watermark ? std::optional(wall_ms - *watermark) : std::nullopt;
  counts_ = counts;
  read_rate_.observe(now_ms, read_);
  written_rate_.observe(now_ms, written_);
  message_rate_.observe(now_ms, counts.messages);
}

std::string JobProgress::input_text() const {
  if (!counts_.lag) return "";
  if (!bounded_) return "lag " + grouped(*counts_.lag);
  const std::int64_t done = std::max<std::int64_t>(0, counts_.messages - attempt_messages_);
  const std::int64_t all = done + *counts_.lag;
  if (all == 0) return "";
  std::string text = std::to_string(done * 100 / all) + " %";
  const std::int64_t rate = message_rate_.per_second();
  if (*counts_.lag > 0 && rate > 0)
    text += ", " + duration_text(*counts_.lag * 1'000 / rate) + " left";
  return text;
}

ProgressFacts JobProgress::facts() const {
  ProgressFacts facts;
  facts.push_back("job '" + name_ + "' " + name_of(state_));
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
  if (state_ == flow::JobReport::State::kRestarting) facts.push_back(last_error_);
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
