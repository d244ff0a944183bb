#include <cmath>
#include <functional>

#include "flow/job.h"
#include "flow/runtime/metric_store.h"

namespace slipstream::flow {
namespace {

using Jobs = std::vector<std::pair<std::string, JobReport>>;

// One family after the other, as the format demands: each with the values of all jobs.
class Families {
 public:
  explicit Families(const Jobs& jobs) : jobs_(jobs) {}

  void begin(const char* name, const char* help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ +
             (name_.ends_with("_total") ? " counter\n" : " gauge\n");
  }
  void add(const std::string& job, const std::string& labels, double value) {
    text_ += name_ + "{job=" + quoted_label(job) + labels + "} ";
    text_ += value == std::floor(value) ? std::to_string(static_cast<std::int64_t>(value))
                                        : std::to_string(value);
    text_ += '\n';
  }
  void jobs(const char* name, const char* help,
            const std::function<double(const JobReport&)>& value) {
    begin(name, help);
    for (const auto& [job, report] : jobs_) add(job, "", value(report));
  }
  void tasks(const char* name, const char* help,
             const std::function<double(const TaskReport&)>& value) {
    begin(name, help);
    for (const auto& [job, report] : jobs_) {
      for (const TaskReport& task : report.tasks) {
        add(job,
            ",task=" + quoted_label(task.name) + ",subtask=\"" + std::to_string(task.subtask) +
                "\"",
            value(task));
      }
    }
  }
  void edges(const char* name, const char* help,
             const std::function<double(const EdgeReport&)>& value) {
    begin(name, help);
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

std::string prometheus_text(const Jobs& jobs) {
  if (jobs.empty()) return "";
  Families out(jobs);
  out.jobs("slipstream_job_checkpoints_total", "completed checkpoints",
           [](const JobReport& job) { return static_cast<double>(job.completed_checkpoints); });
  out.jobs("slipstream_job_last_checkpoint_seconds", "duration of the last completed checkpoint",
           [](const JobReport& job) {
             return static_cast<double>(job.last_checkpoint_duration.count()) / 1e3;
           });
  out.jobs("slipstream_job_last_checkpoint_bytes", "state that the newest checkpoint refers to",
           [](const JobReport& job) {
             return job.checkpoints.empty()
                        ? 0.0
                        : static_cast<double>(job.checkpoints.back().state_bytes);
           });
  out.jobs("slipstream_job_restarts_total", "restarts inside the process",
           [](const JobReport& job) { return static_cast<double>(job.restarts); });
  out.jobs("slipstream_job_running", "1 while it runs, 0 when it restarts or has ended",
           [](const JobReport& job) {
             return job.state == JobReport::State::kRunning ||
                            job.state == JobReport::State::kStopping
                        ? 1.0
                        : 0.0;
           });
  out.tasks("slipstream_task_rows_in_total", "rows that a task took",
            [](const TaskReport& task) { return static_cast<double>(task.rows_in); });
  out.tasks("slipstream_task_rows_out_total", "rows that a task gave on, or wrote",
            [](const TaskReport& task) { return static_cast<double>(task.rows_out); });
  out.tasks("slipstream_task_busy_seconds_total", "time at work",
            [](const TaskReport& task) { return task.busy_ms / 1e3; });
  out.tasks("slipstream_task_idle_seconds_total", "time waiting for input",
            [](const TaskReport& task) { return task.idle_ms / 1e3; });
  out.tasks("slipstream_task_backpressured_seconds_total", "time waiting for the next task",
            [](const TaskReport& task) { return task.backpressured_ms / 1e3; });
  out.edges("slipstream_edge_rows_total", "rows that went from one vertex to another",
            [](const EdgeReport& edge) { return static_cast<double>(edge.rows); });
  out.edges("slipstream_edge_queued_bytes", "bytes that wait between two vertices",
            [](const EdgeReport& edge) { return static_cast<double>(edge.queued_bytes); });
  return out.take();
}

std::string prometheus_text(const JobReport& report, const std::string& job) {
  return prometheus_text(Jobs{{job, report}});
}

}  // namespace slipstream::flow
