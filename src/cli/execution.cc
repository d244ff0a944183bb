#include "cli/execution.h"

#include <iostream>

#include <unistd.h>

#include "base/try.h"
#include "cli/row_printer.h"
#include "flow/runtime/metric_store.h"

namespace slipstream::cli {
namespace {

void say(std::string_view text) { std::cerr << text << '\n'; }

}  // namespace

void Execution::set(flow::Job* job, bool is_query) {
  const std::lock_guard lock(mutex_);
  job_ = job;
  is_query_ = is_query;
  if (job_ != nullptr && signals_ > 0) job_->stop_with_savepoint();
}

bool Execution::signal(int count) {
  const std::lock_guard lock(mutex_);
  signals_ = count;
  if (job_ == nullptr) return false;
  if (count == 1 && !is_query_) {
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

void Execution::end_query() {
  const std::lock_guard lock(mutex_);
  if (job_ != nullptr) job_->cancel();
}

Result<flow::JobOptions> Execution::options(bool is_query) const {
  TRY_ASSIGN(flow::JobOptions job, session_.job_options());
  if (!arguments_.checkpoint_dir.empty()) job.checkpoint_dir = arguments_.checkpoint_dir;
  if (is_query) job.checkpoint_dir.clear();
  job.restore_from = arguments_.from;
  job.fresh = arguments_.fresh;
  job.allow_duplicates = arguments_.allow_duplicates;
  job.allow_dropped_state = arguments_.allow_dropped_state;
  return job;
}

Status Execution::run_job(flow::Graph graph, bool is_query,
                          const std::atomic<bool>* limit_reached) {
  TRY_ASSIGN(flow::JobOptions job_options, options(is_query));
  std::string name = job_options.name;
  const std::int64_t late_before = flow::process_metrics().total("late_rows_total");
  TRY_ASSIGN(const auto job, flow::Job::start(std::move(graph), std::move(job_options), say));
  {
    const std::lock_guard lock(mutex_);
    job_name_ = std::move(name);
  }
  set(job.get(), is_query);
  const Status status = job->wait();
  set(nullptr, false);
  const std::int64_t late = flow::process_metrics().total("late_rows_total") - late_before;
  if (late > 0) {
    say(std::to_string(late) + " late rows were dropped: they came behind the watermark, after " +
        "their windows had fired");
  }
  const bool ended_by_us = (limit_reached != nullptr && *limit_reached) || (is_query && stopped());
  if (!status.ok() && status.error().code == ErrorCode::kCancelled && ended_by_us) return {};
  return status;
}

Status Execution::run_inserts(std::vector<sql::RelPtr> plans) {
  TRY_ASSIGN(flow::Graph graph, session_.graph(plans, {}));
  return run_job(std::move(graph), false, nullptr);
}

Result<std::int64_t> Execution::run_select(sql::RelPtr plan) {
  const std::int64_t limit = plan->limit;
  TimeZone zone;
  const auto setting = session_.settings().find("table.local-time-zone");
  if (setting != session_.settings().end()) {
    TRY_ASSIGN(zone, TimeZone::from_name(setting->second));
  }
  RowPrinter printer(arguments_.output, plan->schema, plan->updating, zone);
  std::atomic<bool> done{false};
  flow::CollectSpec collect;
  collect.rows = [&](const Batch& batch) -> Status {
    if (done) return {};
    const std::int64_t left = limit < 0 ? std::int64_t{1} << 62 : limit - printer.rows();
    Status printed = left >= static_cast<std::int64_t>(batch.rows())
                         ? printer.print(batch)
                         : printer.print(slice(batch, 0, static_cast<std::size_t>(left)));
    if (!printed.ok() && printed.error().code == ErrorCode::kCancelled) printed = {}, done = true;
    if (limit >= 0 && printer.rows() >= limit) done = true;
    if (done) end_query();
    return printed;
  };
  if (limit != 0) {
    std::vector<sql::RelPtr> plans;
    plans.push_back(std::move(plan));
    TRY_ASSIGN(flow::Graph graph, session_.graph(plans, collect));
    TRY(run_job(std::move(graph), true, &done));
  }
  const Status finished = printer.finish();
  if (!finished.ok() && finished.error().code != ErrorCode::kCancelled) return finished.error();
  return printer.rows();
}

Status show_step(const sql::Step& step) {
  if (step.kind == sql::Step::Kind::kTable)
    return write_all(STDOUT_FILENO, format_table(step.header, step.rows));
  if (step.text != "OK")
    return write_all(STDOUT_FILENO, step.text + (step.text.ends_with('\n') ? "" : "\n"));
  return {};
}

}  // namespace slipstream::cli
