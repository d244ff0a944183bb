#include <algorithm>
#include <cmath>
#include <functional>

#include "base/metric_store.h"
#include "flow/job.h"
#include "flow/metrics.h"

namespace slipstream::flow {
namespace {

using Jobs = std::vector<std::pair<std::string, JobReport>>;

// One family after the other, as the format demands: each with the values of all jobs.
class Families {
 public:
  explicit Families(const Jobs& jobs) : jobs_(jobs) {}

  void begin(const MetricFamily& family) {
    name_ = "slipstream_" + std::string(family.name);
    text_ += "# HELP " + name_ + " " + std::string(family.help) + "\n# TYPE " + name_ +
             (name_.ends_with("_total") ? " counter\n" : " gauge\n");
  }
  void add(const std::string& job, const std::string& labels, double value) {
    text_ += name_ + "{job=" + quoted_label(job) + labels + "} ";
    text_ += value == std::floor(value) ? std::to_string(static_cast<std::int64_t>(value))
                                        : std::to_string(value);
    text_ += '\n';
  }
  void jobs(const MetricFamily& family, const std::function<double(const JobReport&)>& value) {
    begin(family);
    for (const auto& [job, report] : jobs_) add(job, "", value(report));
  }
  void tasks(const MetricFamily& family, const std::function<double(const TaskReport&)>& value) {
    begin(family);
    for (const auto& [job, report] : jobs_) {
      for (const TaskReport& task : report.tasks) {
        add(job,
            ",task=" + quoted_label(task.name) + ",subtask=\"" + std::to_string(task.subtask) +
                "\"",
            value(task));
      }
    }
  }
  void edges(const MetricFamily& family, const std::function<double(const EdgeReport&)>& value) {
    begin(family);
    for (const auto& [job, report] : jobs_) {
      for (std::size_t i = 0; i < report.edges.size(); ++i) {
        const EdgeReport& edge = report.edges[i];
        add(job,
            ",edge=\"" + std::to_string(i) +
                "\",from=" + quoted_label(report.vertices[edge.from].name) +
                ",to=" + quoted_label(report.vertices[edge.to].name),
            value(edge));
      }
    }
  }
  std::string take() { return std::move(text_); }

 private:
  const Jobs& jobs_;
  std::string name_;
  std::string text_;
};

}  // namespace

std::int64_t rows_read(const JobReport& report) {
  std::int64_t rows = report.earlier_rows_read;
  for (const TaskReport& task : report.tasks) {
    const bool has_input =
        std::any_of(report.edges.begin(), report.edges.end(),
                    [&](const EdgeReport& edge) { return edge.to == task.vertex; });
    if (!has_input) rows += task.rows_in;
  }
  return rows;
}

std::int64_t rows_written(const JobReport& report) {
  std::int64_t rows = report.earlier_rows_written;
  for (const TaskReport& task : report.tasks) rows += task.rows_written;
  return rows;
}

std::string prometheus_text(const Jobs& jobs) {
  if (jobs.empty()) return "";
  Families out(jobs);
  out.jobs(kJobCheckpoints,
           [](const JobReport& job) { return static_cast<double>(job.completed_checkpoints); });
  out.jobs(kJobCheckpointSeconds, [](const JobReport& job) {
    return static_cast<double>(job.last_checkpoint_duration.count()) / 1e3;
  });
  out.jobs(kJobCheckpointBytes, [](const JobReport& job) {
    return job.checkpoints.empty() ? 0.0 : static_cast<double>(job.checkpoints.back().state_bytes);
  });
  out.jobs(kJobRestarts, [](const JobReport& job) { return static_cast<double>(job.restarts); });
  out.jobs(kJobRunning, [](const JobReport& job) {
    return job.state == JobReport::State::kRunning || job.state == JobReport::State::kStopping
               ? 1.0
               : 0.0;
  });
  out.tasks(kTaskRowsIn, [](const TaskReport& task) { return static_cast<double>(task.rows_in); });
  out.tasks(kTaskRowsOut,
            [](const TaskReport& task) { return static_cast<double>(task.rows_out); });
  out.tasks(kTaskBusy, [](const TaskReport& task) { return task.busy_ms / 1e3; });
  out.tasks(kTaskIdle, [](const TaskReport& task) { return task.idle_ms / 1e3; });
  out.tasks(kTaskBackPressured, [](const TaskReport& task) { return task.backpressured_ms / 1e3; });
  out.edges(kEdgeRows, [](const EdgeReport& edge) { return static_cast<double>(edge.rows); });
  out.edges(kEdgeQueued,
            [](const EdgeReport& edge) { return static_cast<double>(edge.queued_bytes); });
  return out.take();
}

std::string prometheus_text(const JobReport& report, const std::string& job) {
  return prometheus_text(Jobs{{job, report}});
}

}  // namespace slipstream::flow
