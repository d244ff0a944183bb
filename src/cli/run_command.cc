#include "cli/run_command.h"

#include <atomic>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <sstream>

#include <unistd.h>

#include "base/try.h"
#include "cli/builtin_connectors.h"
#include "cli/stop_signal.h"
#include "flow/job.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

void say(std::string_view text) { std::cerr << text << '\n'; }

Result<std::string> script_text(const RunArguments& arguments) {
  if (!arguments.text.empty()) return arguments.text;
  if (arguments.file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(arguments.file, std::ios::binary);
  if (!in) return Error{ErrorCode::kNotFound, "cannot read '" + arguments.file + "'"};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string file_name(const RunArguments& arguments) {
  if (!arguments.text.empty()) return "-e";
  return arguments.file == "-" ? "stdin" : arguments.file;
}

void print_diagnostics(const std::string& script, const RunArguments& arguments,
                       const std::vector<sql::Diagnostic>& list) {
  for (const sql::Diagnostic& diagnostic : list)
    std::cerr << sql::render_diagnostic(script, file_name(arguments), diagnostic);
  std::cerr << list.size() << (list.size() == 1 ? " error" : " errors")
            << "; nothing was started\n";
}

int fail(const Error& error, int code) {
  std::cerr << "error: " << error.message << '\n';
  return code;
}

// The job that is running now, for the signal thread.
class Running {
 public:
  void set(flow::Job* job) {
    const std::lock_guard lock(mutex_);
    job_ = job;
    if (job_ != nullptr && signals_ > 0) job_->stop_with_savepoint();
  }
  void signal(int count) {
    const std::lock_guard lock(mutex_);
    signals_ = count;
    if (job_ == nullptr) return;
    if (count == 1) job_->stop_with_savepoint();
    if (count == 2) job_->cancel();
    if (count > 2) _exit(130);
  }
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return signals_ > 0;
  }
  void end_query() {
    const std::lock_guard lock(mutex_);
    if (job_ != nullptr) job_->cancel();
  }

 private:
  std::mutex mutex_;
  flow::Job* job_ = nullptr;
  int signals_ = 0;
};

struct Execution {
  const RunArguments& arguments;
  sql::Session& session;
  Running& running;

  Result<flow::JobOptions> options(bool is_query) const {
    TRY_ASSIGN(flow::JobOptions job, session.job_options());
    if (!arguments.checkpoint_dir.empty()) job.checkpoint_dir = arguments.checkpoint_dir;
    if (is_query) job.checkpoint_dir.clear();
    job.restore_from = arguments.from;
    job.fresh = arguments.fresh;
    job.allow_duplicates = arguments.allow_duplicates;
    job.allow_dropped_state = arguments.allow_dropped_state;
    return job;
  }

  Status run_job(flow::Graph graph, bool is_query, const std::atomic<bool>* limit_reached) {
    TRY_ASSIGN(flow::JobOptions job_options, options(is_query));
    TRY_ASSIGN(const auto job, flow::Job::start(std::move(graph), std::move(job_options), say));
    running.set(job.get());
    const Status status = job->wait();
    running.set(nullptr);
    if (!status.ok() && status.error().code == ErrorCode::kCancelled && limit_reached != nullptr &&
        *limit_reached)
      return {};
    return status;
  }

  Status run_inserts(std::vector<sql::RelPtr> plans) {
    TRY_ASSIGN(flow::Graph graph, session.graph(plans, {}));
    return run_job(std::move(graph), false, nullptr);
  }

  Status run_select(sql::RelPtr plan) {
    const std::int64_t limit = plan->limit;
    if (limit == 0) return {};
    TimeZone zone;
    const auto setting = session.settings().find("table.local-time-zone");
    if (setting != session.settings().end()) {
      TRY_ASSIGN(zone, TimeZone::from_name(setting->second));
    }
    RowPrinter printer(arguments.output, plan->schema, plan->updating, zone);
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
      if (done) running.end_query();
      return printed;
    };
    std::vector<sql::RelPtr> plans;
    plans.push_back(std::move(plan));
    TRY_ASSIGN(flow::Graph graph, session.graph(plans, collect));
    TRY(run_job(std::move(graph), true, &done));
    return printer.finish();
  }
};

Result<sql::Compiled> compile(const RunArguments& arguments, sql::Session& session,
                              const std::string& script) {
  for (const auto& [key, value] : arguments.settings) TRY(session.set(key, value));
  if (arguments.parallelism > 0)
    TRY(session.set("parallelism.default", std::to_string(arguments.parallelism)));
  return session.compile(script);
}

Status show_step(const sql::Step& step) {
  if (step.kind == sql::Step::Kind::kTable)
    return write_all(STDOUT_FILENO, format_table(step.header, step.rows));
  if (step.text != "OK")
    return write_all(STDOUT_FILENO, step.text + (step.text.ends_with('\n') ? "" : "\n"));
  return {};
}

}  // namespace

int run_command(const RunArguments& arguments) {
  Running running;
  const StopSignal signals([&running](int count) { running.signal(count); });
  const auto registry = builtin_connectors();
  sql::Session session(*registry);
  const auto script = script_text(arguments);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  auto compiled = compile(arguments, session, *script);
  if (!compiled.ok()) return fail(compiled.error(), kExitUsage);
  if (!compiled->ok()) {
    print_diagnostics(*script, arguments, compiled->diagnostics);
    return kExitUsage;
  }
  Execution execution{arguments, session, running};
  std::vector<sql::RelPtr> inserts;
  for (sql::Step& step : compiled->steps) {
    Status status;
    if (step.kind == sql::Step::Kind::kInsert) {
      inserts.push_back(std::move(step.plan));
    } else if (step.kind == sql::Step::Kind::kSelect) {
      status = execution.run_select(std::move(step.plan));
    } else {
      status = show_step(step);
    }
    if (!status.ok()) return fail(status.error(), kExitFailed);
    if (running.stopped()) return kExitOk;
  }
  if (inserts.empty()) return kExitOk;
  const Status status = execution.run_inserts(std::move(inserts));
  return status.ok() ? kExitOk : fail(status.error(), kExitFailed);
}

int explain_command(const RunArguments& arguments) {
  const auto registry = builtin_connectors();
  sql::Session session(*registry);
  const auto script = script_text(arguments);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  auto compiled = compile(arguments, session, *script);
  if (!compiled.ok()) return fail(compiled.error(), kExitUsage);
  if (!compiled->ok()) {
    print_diagnostics(*script, arguments, compiled->diagnostics);
    return kExitUsage;
  }
  std::vector<const sql::Rel*> plans;
  for (const sql::Step& step : compiled->steps) {
    if (step.plan) plans.push_back(step.plan.get());
  }
  const Status written = write_all(STDOUT_FILENO, session.explain(plans));
  return written.ok() ? kExitOk : kExitFailed;
}

int check_command(const RunArguments& arguments) {
  const auto registry = builtin_connectors();
  sql::Session session(*registry);
  const auto script = script_text(arguments);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  const auto diagnostics = session.check(*script);
  if (!diagnostics.empty()) {
    print_diagnostics(*script, arguments, diagnostics);
    return kExitUsage;
  }
  std::cerr << file_name(arguments) << ": no errors\n";
  return kExitOk;
}

}  // namespace slipstream::cli
