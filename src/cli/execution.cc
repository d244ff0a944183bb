#include "cli/execution.h"

#include <iostream>

#include <unistd.h>

#include "base/metric_store.h"
#include "base/try.h"
#include "cli/row_printer.h"
#include "flow/metrics.h"

namespace slipstream::cli {
namespace {

void say_line(std::string_view text) { say(text); }

// Counts from its making on.
class LateRows {
 public:
  void say_how_many() const {
    const std::int64_t late = now() - before_;
    if (late == 0) return;
    say(std::to_string(late) + " late rows were dropped: they came behind the watermark, after " +
        "their windows had fired");
  }

 private:
  static std::int64_t now() { return process_metrics().total(flow::kLateRows.name); }
  const std::int64_t before_ = now();
};

}  // namespace

void say(std::string_view text, LogLevel level) {
  if (log_format() == LogFormat::kJson) {
    log(level, "job", text);
  } else {
    std::cerr << text << '\n';
  }
}

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
  TRY_ASSIGN(const flow::JobOptions job, session_.job_options());
  {
    const std::lock_guard lock(mutex_);
    job_name_ = job.name;
  }
  sql::LaunchOptions options;
  options.from_command_line = true;
  options.checkpoint_dir = arguments_.checkpoint_dir;
  options.restore_from = arguments_.from;
  options.fresh = arguments_.fresh;
  options.allow_duplicates = arguments_.allow_duplicates;
  options.allow_dropped_state = arguments_.allow_dropped_state;
  return options;
}

Status Execution::run_inserts(const std::vector<sql::RelPtr>& plans) {
  TRY_ASSIGN(const sql::LaunchOptions options, launch_options());
  const LateRows late;
  TRY_ASSIGN(const auto job, sql::start_inserts(session_, plans, options, say_line));
  watch(job.get(), nullptr);
  Status status = job->wait();
  watch(nullptr, nullptr);
  late.say_how_many();
  return status;
}

Result<std::int64_t> Execution::run_select(sql::RelPtr plan) {
  TRY_ASSIGN(const sql::LaunchOptions options, launch_options());
  TRY_ASSIGN(TimeZone zone, sql::time_zone_of(session_));
  RowPrinter printer(arguments_.output, plan->schema, plan->updating, std::move(zone));
  const LateRows late;
  TRY_ASSIGN(const auto query, sql::Query::start(
                                   session_, std::move(plan),
                                   [&printer](const Batch& batch) { return printer.print(batch); },
                                   options, say_line));
  watch(query->job(), query.get());
  const Status status = query->wait();
  watch(nullptr, nullptr);
  late.say_how_many();
  TRY(status);
  const Status finished = printer.finish();
  if (!finished.ok() && finished.error().code != ErrorCode::kCancelled) return finished.error();
  return printer.rows();
}

Status show_step(const sql::Step& step) {
  if (step.kind == sql::Step::Kind::kNote) {
    say_line(step.text);
    return {};
  }
  if (step.kind == sql::Step::Kind::kTable)
    return write_all(STDOUT_FILENO, format_table(step.header, step.rows));
  if (step.text != "OK")
    return write_all(STDOUT_FILENO, step.text + (step.text.ends_with('\n') ? "" : "\n"));
  return {};
}

}  // namespace slipstream::cli
