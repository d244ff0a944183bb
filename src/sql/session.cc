#include "sql/session.h"

#include <utility>

#include "base/try.h"
#include "sql/catalog/memory_catalog.h"
#include "sql/lower/lower.h"
#include "sql/planner/planner.h"
#include "sql/settings/checked_setting.h"
#include "sql/settings/session_options.h"
#include "sql/statements/script_run.h"

namespace slipstream::sql {

Session::Session(const ConnectorRegistry& registry, flow::Runtime& runtime)
    : registry_(registry),
      runtime_(runtime),
      own_catalog_(std::make_unique<MemoryCatalog>()),
      catalog_(own_catalog_.get()) {}

Session::Session(const ConnectorRegistry& registry, flow::Runtime& runtime, Catalog& catalog)
    : registry_(registry), runtime_(runtime), catalog_(&catalog) {}

Compiled Session::compile(std::string_view script) {
  ScriptRun run(registry_, runtime_.clock(), *catalog_, settings_);
  Compiled compiled = run.run(script);
  if (compiled.ok()) compiled.diagnostics = run.commit(*catalog_);
  if (compiled.ok()) settings_ = run.settings();
  return compiled;
}

std::vector<Diagnostic> Session::check(std::string_view script) const {
  return ScriptRun(registry_, runtime_.clock(), *catalog_, settings_).run(script).diagnostics;
}

Result<std::string> Session::set(std::string_view key, std::string_view value) {
  CheckedSetting checked = check_setting(key, value);
  if (!checked.ok()) {
    const std::string fix = checked.fix.empty() ? "" : "; " + checked.fix;
    return Error{ErrorCode::kInvalidArgument, checked.problem + fix};
  }
  if (!checked.option.empty()) settings_[checked.option] = value;
  return std::move(checked.note);
}

Result<flow::Graph> Session::graph(const std::vector<RelPtr>& plans,
                                   flow::CollectSpec collect) const {
  TRY_ASSIGN(const Options options, session_options().parse(settings_, "SET"));
  LowerOptions lowering = lower_options(registry_, runtime_.clock(), options);
  lowering.collect = std::move(collect);
  return lower(plans, lowering);
}

Result<JobOptions> Session::job_options() const {
  using namespace session_option;
  TRY_ASSIGN(const Options options, session_options().parse(settings_, "SET"));
  JobOptions job;
  job.name = options[kJobName];
  job.parallelism = static_cast<std::uint32_t>(options[kParallelism]);
  job.max_parallelism = static_cast<std::uint32_t>(options[kMaxParallelism]);
  job.checkpoint_dir = options[kCheckpointDir];
  job.checkpoint_interval = options[kCheckpointInterval];
  job.checkpoint_timeout = options[kCheckpointTimeout];
  job.retained_checkpoints = static_cast<std::uint32_t>(options[kCheckpointsRetained]);
  job.incremental_checkpoints = options[kIncrementalCheckpoints];
  job.restart_attempts = static_cast<std::uint32_t>(options[kRestartAttempts]);
  job.restart_delay = options[kRestartDelay];
  job.memory_bytes = static_cast<std::size_t>(options[kMemory].bytes);
  job.batch_rows = static_cast<std::size_t>(options[kBatchRows]);
  return job;
}

std::string Session::explain(const std::vector<const Rel*>& plans) const {
  std::string text = "== Plan ==\n";
  for (const Rel* plan : plans) text += to_string(*plan);
  return text;
}

}  // namespace slipstream::sql
