#include "cli/run_command.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <unistd.h>

#include "slipstream/connectors.h"

#include "base/try.h"
#include "cli/execution.h"
#include "cli/stop_signal.h"
#include "server/metrics_server.h"
#include "sql/session.h"

namespace slipstream::cli {
namespace {

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
  for (const sql::Diagnostic& diagnostic : list) {
    std::string text = sql::render_diagnostic(script, file_name(arguments), diagnostic);
    text.pop_back();
    say(text, LogLevel::kError);
  }
  say(std::to_string(list.size()) + (list.size() == 1 ? " error" : " errors") +
          "; nothing was started",
      LogLevel::kError);
}

int fail(const Error& error, int code) {
  say((log_format() == LogFormat::kJson ? "" : "error: ") + error.message, LogLevel::kError);
  return code;
}

Result<sql::Compiled> compile(const RunArguments& arguments, sql::Session& session,
                              const std::string& script) {
  for (const auto& [key, value] : arguments.settings) TRY(session.set(key, value));
  if (arguments.parallelism > 0)
    TRY(session.set("parallelism.default", std::to_string(arguments.parallelism)));
  return session.compile(script);
}

}  // namespace

int run_command(const RunArguments& arguments) {
  set_log_format(arguments.log_format);
  const auto registry = builtin_connectors();
  sql::Session session(*registry);
  Execution execution(arguments, session);
  const StopSignal signals([&execution](int count) {
    execution.signal(count);
    if (count > 2) _exit(130);
  });
  const auto script = script_text(arguments);
  if (!script.ok()) return fail(script.error(), kExitUsage);
  auto compiled = compile(arguments, session, *script);
  if (!compiled.ok()) return fail(compiled.error(), kExitUsage);
  if (!compiled->ok()) {
    print_diagnostics(*script, arguments, compiled->diagnostics);
    return kExitUsage;
  }
  std::unique_ptr<server::MetricsServer> metrics;
  if (arguments.metrics_port >= 0) {
    auto started = server::MetricsServer::start(arguments.metrics_port,
                                                [&execution] { return execution.metrics(); });
    if (!started.ok()) return fail(started.error(), kExitUsage);
    metrics = std::move(*started);
    say("metrics: " + metrics->url());
  }
  std::vector<sql::RelPtr> inserts;
  for (sql::Step& step : compiled->steps) {
    Status status;
    if (step.kind == sql::Step::Kind::kInsert) {
      inserts.push_back(std::move(step.plan));
    } else if (step.kind == sql::Step::Kind::kSelect) {
      status = execution.run_select(std::move(step.plan)).status();
    } else {
      status = show_step(step);
    }
    if (!status.ok()) return fail(status.error(), kExitFailed);
    if (execution.stopped()) return kExitOk;
  }
  if (inserts.empty()) return kExitOk;
  const Status status = execution.run_inserts(inserts);
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
