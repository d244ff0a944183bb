#include "cli/run_command.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <optional>

#include <unistd.h>

#include "base/output.h"
#include "base/try.h"
#include "cli/execution.h"
#include "cli/report.h"
#include "cli/secrets.h"
#include "cli/stop_signal.h"
#include "cli/system_tables.h"
#include "flow/runtime/graph_drawing.h"
#include "io/files.h"
#include "server/metrics_server.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

Result<std::string> script_text(const RunArguments& arguments) {
  if (!arguments.text.empty()) return arguments.text;
  if (arguments.file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  return io::read_file(arguments.file);
}

std::string file_name(const RunArguments& arguments) {
  if (!arguments.text.empty()) return "-e";
  return arguments.file == "-" ? "stdin" : arguments.file;
}

// The steps of the script; nothing where it said what is wrong.
std::optional<std::vector<sql::Step>> compile(const RunArguments& arguments,
                                              sql::Session& session) {
  const auto compiled = [&]() -> Result<std::vector<sql::Step>> {
    TRY_ASSIGN(const std::string script, script_text(arguments));
    TRY(apply_settings(session, arguments.settings));
    if (arguments.parallelism > 0)
      TRY(session.set("parallelism.default", std::to_string(arguments.parallelism)));
    sql::Compiled result = session.compile(script);
    if (result.ok()) return std::move(result.steps);
    print_diagnostics(script, file_name(arguments), result.diagnostics);
    return Error{ErrorCode::kInvalidArgument, ""};
  };
  auto steps = compiled();
  if (steps.ok()) return std::move(*steps);
  if (!steps.error().message.empty()) fail(steps.error(), kExitUsage);
  return std::nullopt;
}

Status run_steps(std::vector<sql::Step>& steps, Execution& execution) {
  std::vector<sql::RelPtr> inserts;
  for (sql::Step& step : steps) {
    if (step.kind == sql::Step::Kind::kInsert) {
      inserts.push_back(std::move(step.plan));
    } else if (step.kind == sql::Step::Kind::kSelect) {
      TRY(execution.run_select(std::move(step.plan)).status());
    } else {
      TRY(show_step(step));
    }
    if (execution.stopped()) return {};
  }
  return inserts.empty() ? Status() : execution.run_inserts(inserts);
}

// What start() refused and no retry mends was wrong before anything was started.
int exit_code_of(const Status& status, Execution& execution) {
  if (status.ok()) return kExitOk;
  const Error& error = status.error();
  if (error.code == ErrorCode::kCancelled && !execution.stopped()) {
    notify(error.message + ": the job has ended");
    return kExitOk;
  }
  return fail(error, execution.ever_started() || error.retryable ? kExitFailed : kExitUsage);
}

std::optional<flow::DrawingFormat> drawing_format(const std::string& name) {
  if (name == "dot") return flow::DrawingFormat::kDot;
  if (name == "mermaid") return flow::DrawingFormat::kMermaid;
  if (name == "json") return flow::DrawingFormat::kJson;
  return std::nullopt;
}

// The inserts as one job, each SELECT as one of its own.
Result<std::string> drawing(std::vector<sql::Step> steps, const sql::Session& session,
                            flow::DrawingFormat format) {
  TRY_ASSIGN(const JobOptions options, session.job_options());
  std::vector<flow::DrawnJob> jobs;
  const auto add = [&](std::string name, const std::vector<sql::RelPtr>& plans) -> Status {
    flow::DrawnJob job;
    job.name = std::move(name);
    TRY_ASSIGN(job.graph, session.graph(plans, {}));
    job.parallelism = options.parallelism == 0
                          ? static_cast<std::uint32_t>(session.runtime().cores())
                          : options.parallelism;
    job.max_parallelism = options.max_parallelism;
    jobs.push_back(std::move(job));
    return {};
  };
  std::vector<sql::RelPtr> inserts;
  for (sql::Step& step : steps) {
    if (step.plan == nullptr) continue;
    if (step.kind == sql::Step::Kind::kInsert) {
      inserts.push_back(std::move(step.plan));
      continue;
    }
    std::vector<sql::RelPtr> query;
    query.push_back(std::move(step.plan));
    TRY(add("query of line " + std::to_string(step.line), query));
  }
  if (!inserts.empty()) TRY(add("job " + options.name, inserts));
  return flow::draw(jobs, format);
}

}  // namespace

void print_diagnostics(const std::string& script, const std::string& name,
                       const std::vector<sql::Diagnostic>& list) {
  for (const sql::Diagnostic& diagnostic : list) {
    std::string text = sql::render_diagnostic(script, name, diagnostic);
    text.pop_back();
    notify(text, LogLevel::kError);
  }
  notify(std::to_string(list.size()) + (list.size() == 1 ? " error" : " errors") +
             "; nothing was started",
         LogLevel::kError);
}

int run_command(const RunArguments& arguments) {
  set_log_format(arguments.log_format);
  const auto registry = connectors_with_secrets(arguments.secrets_file);
  if (!registry.ok()) return fail(registry.error(), kExitUsage);
  flow::Runtime runtime;
  SystemTables catalog(**registry, runtime);
  sql::Session session(**registry, runtime, catalog);
  Execution execution(arguments, session);
  const StopSignal signals([&execution](int count) {
    execution.signal(count);
    if (count > 2) _exit(130);
  });
  auto steps = compile(arguments, session);
  if (!steps) return kExitUsage;
  std::unique_ptr<server::MetricsServer> metrics;
  if (arguments.metrics_port >= 0) {
    auto started = server::MetricsServer::start(arguments.metrics_port, runtime.metrics(),
                                                [&execution] { return execution.metrics(); });
    if (!started.ok()) return fail(started.error(), kExitUsage);
    metrics = std::move(*started);
    notify("metrics: " + metrics->url());
  }
  return exit_code_of(run_steps(*steps, execution), execution);
}

int explain_command(const RunArguments& arguments) {
  const auto registry = connectors_with_secrets(arguments.secrets_file);
  if (!registry.ok()) return fail(registry.error(), kExitUsage);
  flow::Runtime runtime;
  SystemTables catalog(**registry, runtime);
  sql::Session session(**registry, runtime, catalog);
  auto steps = compile(arguments, session);
  if (!steps) return kExitUsage;
  if (const auto format = drawing_format(arguments.format)) {
    const auto text = drawing(*std::move(steps), session, *format);
    if (!text.ok()) return fail(text.error(), kExitUsage);
    return report(write_output(STDOUT_FILENO, *text));
  }
  std::vector<const sql::Rel*> plans;
  for (const sql::Step& step : *steps) {
    if (step.plan) plans.push_back(step.plan.get());
  }
  return report(write_output(STDOUT_FILENO, session.explain(plans)));
}

int check_command(const RunArguments& arguments) {
  const auto registry = connectors_with_secrets(arguments.secrets_file);
  if (!registry.ok()) return fail(registry.error(), kExitUsage);
  flow::Runtime runtime;
  SystemTables catalog(**registry, runtime);
  sql::Session session(**registry, runtime, catalog);
  const auto script = script_text(arguments);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  if (const Status set = apply_settings(session, arguments.settings); !set.ok())
    return fail(set.error(), kExitUsage);
  const auto diagnostics = session.check(*script);
  if (!diagnostics.empty()) {
    print_diagnostics(*script, file_name(arguments), diagnostics);
    return kExitUsage;
  }
  notify(file_name(arguments) + ": no errors");
  return kExitOk;
}

}  // namespace slipstream::cli
