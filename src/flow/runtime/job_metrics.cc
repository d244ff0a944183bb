#include <cmath>
#include <functional>

#include "flow/job.h"
#include "flow/runtime/metric_store.h"

namespace slipstream::flow {
namespace {

class Families {
 public:
  explicit Families(std::string job) : job_("job=" + quoted_label(job)) {}

  void add(const char* name, const char* help, double value, const std::string& labels = "") {
    if (last_ != name) {
      const std::string_view text = name;
      text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name +
               (text.ends_with("_total") ? " counter\n" : " gauge\n");
      last_ = name;
    }
    text_ += std::string(name) + "{" + job_ + labels + "} ";
    text_ += value == std::floor(value) ? std::to_string(static_cast<std::int64_t>(value))
                                        : std::to_string(value);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  const std::string job_;
  std::string text_;
  std::string last_;
};

}  // namespace

std::string prometheus_text(const JobReport& report, const std::string& job) {
  Families out(job);
  out.add("slipstream_job_checkpoints_total", "completed checkpoints",
          static_cast<double>(report.completed_checkpoints));
  out.add("slipstream_job_last_checkpoint_seconds", "duration of the last completed checkpoint",
          static_cast<double>(report.last_checkpoint_duration.count()) / 1e3);
  out.add("slipstream_job_restarts_total", "restarts inside the process",
          static_cast<double>(report.restarts));
  const auto each = [&](const char* name, const char* help,
                        const std::function<double(const TaskReport&)>& value) {
    for (const TaskReport& task : report.tasks) {
      out.add(
          name, help, value(task),
          ",task=" + quoted_label(task.name) + ",subtask=\"" + std::to_string(task.subtask) + "\"");
    }
  };
  each("slipstream_task_rows_in_total", "rows that a task took",
       [](const TaskReport& task) { return static_cast<double>(task.rows_in); });
  each("slipstream_task_rows_out_total", "rows that a task gave on",
       [](const TaskReport& task) { return static_cast<double>(task.rows_out); });
  each("slipstream_task_busy_seconds_total", "time at work",
       [](const TaskReport& task) { return task.busy_ms / 1e3; });
  each("slipstream_task_backpressured_seconds_total", "time waiting for the next task",
       [](const TaskReport& task) { return task.backpressured_ms / 1e3; });
  return out.take();
}

}  // namespace slipstream::flow
