#include "cli/execution.h"

#include <algorithm>

#include <unistd.h>

#include "slipstream/connectors.h"

#include "base/metric_store.h"
#include "base/mutex.h"
#include "base/output.h"
#include "base/try.h"
#include "cli/job_progress.h"
#include "cli/report.h"
#include "cli/row_printer.h"

namespace slipstream::cli {
namespace {

void notify_line(std::string_view text) { notify(text); }

bool is_bounded(const sql::Rel& rel) {
  if (rel.scan && rel.scan->source != nullptr && !rel.scan->source->bounded()) return false;
  return std::all_of(rel.inputs.begin(), rel.inputs.end(),
                     [](const sql::RelPtr& input) { return is_bounded(*input); });
}

void add_tables_read(const sql::Rel& rel, std::vector<std::string>& tables) {
  if (rel.scan) {
    const std::string table = rel.scan->table.name + " (" + rel.scan->connector + ")";
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
  }
  for (const sql::RelPtr& input : rel.inputs) add_tables_read(*input, tables);
}

// "clicks (rocketmq) -> slow_clicks (rocketmq)"
std::string flow_text(const sql::Rel& insert) {
  std::vector<std::string> tables;
  add_tables_read(insert, tables);
  std::string text;
  for (const std::string& table : tables) text += (text.empty() ? "" : ", ") + table;
  return (text.empty() ? "values" : text) + " -> " + insert.sink_table.name + " (" +
         insert.sink_connector + ")";
}

void notify_late_rows(std::int64_t late) {
  if (late == 0) return;
  notify(std::to_string(late) + " late rows were dropped: they came behind the watermark, after " +
         "their windows had fired");
}

}  // namespace

void Execution::watch(flow::Job* job, sql::Query* query) {
  const std::lock_guard lock(mutex_);
  job_ = job;
  query_ = query;
  if (job_ == nullptr || signals_ == 0) return;
  if (query_ != nullptr) {
    query_->cancel();
  } else {
    job_->stop_with_savepoint();
  }
}

bool Execution::signal(int count) {
  const std::lock_guard lock(mutex_);
  signals_ = count;
  if (job_ == nullptr) return false;
  if (query_ != nullptr) {
    query_->cancel();
  } else if (count == 1) {
    job_->stop_with_savepoint();
  } else {
    job_->cancel();
  }
  return true;
}

bool Execution::stopped() {
  const std::lock_guard lock(mutex_);
  return signals_ > 0;
}

std::string Execution::metrics() {
  const std::lock_guard lock(mutex_);
  return job_ == nullptr ? "" : flow::prometheus_text(job_->report(), job_name_);
}

Result<sql::LaunchOptions> Execution::launch_options() {
  TRY_ASSIGN(const JobOptions job, session_.job_options());
  {
    const std::lock_guard lock(mutex_);
    job_name_ = job.name;
  }
  sql::LaunchOptions options;
  options.from_command_line = true;
  options.checkpoint_dir = arguments_.checkpoint_dir;
  options.start = arguments_.start;
  return options;
}

Status Execution::follow(flow::Job& job, bool bounded, const std::atomic<std::int64_t>* printed,
                         const std::function<Status()>& wait) {
  ever_started_ = true;
  const Clock& clock = session_.runtime().clock();
  const MetricStore& store = session_.runtime().metrics();
  const std::vector<MetricFamily> skipped = skipped_families(*builtin_connectors());
  const JobCounts before = count_of(store, skipped, job_name_);
  Mutex mutex;
  JobProgress progress(job_name_, bounded, before, clock.now_ms());
  const auto observe = [&] {
    JobCounts counts = count_of(store, skipped, job_name_);
    if (printed != nullptr) counts.printed = *printed;
    progress.observe(job.report(), counts, clock.now_ms(), clock.wall_ms());
  };
  Status status;
  {
    const Progress shown(arguments_.progress, [&] {
      MutexLock lock(mutex);
      observe();
      return progress.facts();
    });
    status = wait();
  }
  observe();
  notify_late_rows(count_of(store, skipped, job_name_).late - before.late);
  if (!arguments_.progress.quiet) notify(progress.summary());
  return status;
}

Status Execution::run_inserts(const std::vector<sql::RelPtr>& plans) {
  TRY_ASSIGN(const sql::LaunchOptions options, launch_options());
  TRY_ASSIGN(const JobOptions settings, session_.job_options());
  TRY_ASSIGN(const auto job, sql::start_inserts(session_, plans, options, notify_line));
  if (!arguments_.progress.quiet) {
    for (const sql::RelPtr& plan : plans) notify("job '" + job_name_ + "': " + flow_text(*plan));
  }
  if (options.checkpoint_dir.empty() && settings.checkpoint_dir.empty() &&
      settings.checkpoint_interval.count() > 0) {
    notify(
        "no checkpoint directory (--checkpoint-dir): checkpoints are gone with the process, the "
        "next start begins where the tables say");
  }
  watch(job.get(), nullptr);
  const bool bounded = std::all_of(plans.begin(), plans.end(),
                                   [](const sql::RelPtr& plan) { return is_bounded(*plan); });
  Status status = follow(*job, bounded, nullptr, [&job] { return job->wait(); });
  watch(nullptr, nullptr);
  return status;
}

Result<std::int64_t> Execution::run_select(sql::RelPtr plan) {
  TRY_ASSIGN(const sql::LaunchOptions options, launch_options());
  TRY_ASSIGN(TimeZone zone, sql::time_zone_of(session_));
  RowPrinter printer(arguments_.output, plan->schema, plan->updating, std::move(zone));
  const bool bounded = is_bounded(*plan);
  std::atomic<std::int64_t> printed{0};
  TRY_ASSIGN(const auto query, sql::Query::start(
                                   session_, std::move(plan),
                                   [&](const Batch& batch) {
                                     Status status = printer.print(batch);
                                     printed = printer.rows();
                                     return status;
                                   },
                                   options, notify_line));
  if (query->job() != nullptr) {
    watch(query->job(), query.get());
    const Status status =
        follow(*query->job(), bounded, &printed, [&query] { return query->wait(); });
    watch(nullptr, nullptr);
    TRY(status);
  }
  const Status finished = printer.finish();
  if (!finished.ok() && finished.error().code != ErrorCode::kCancelled) return finished.error();
  return printer.rows();
}

Status apply_settings(sql::Session& session,
                      const std::vector<std::pair<std::string, std::string>>& settings) {
  for (const auto& [key, value] : settings) {
    auto set = session.set(key, value);
    if (!set.ok()) return std::move(set).error().with_context("--set");
    if (!set->empty()) notify_line(*set);
  }
  return {};
}

Status show_step(const sql::Step& step) {
  if (step.kind == sql::Step::Kind::kNote) {
    notify_line(step.text);
    return {};
  }
  if (step.kind == sql::Step::Kind::kTable)
    return write_output(STDOUT_FILENO, format_table(step.header, step.rows));
  if (step.text != "OK")
    return write_output(STDOUT_FILENO, step.text + (step.text.ends_with('\n') ? "" : "\n"));
  return {};
}

}  // namespace slipstream::cli
