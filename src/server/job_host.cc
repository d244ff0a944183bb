#include "server/job_host.h"

#include <utility>

#include "base/log.h"
#include "base/try.h"
#include "flow/runtime/memory_budget.h"
#include "server/metrics.h"

namespace slipstream::server {

JobHost::JobHost(flow::Runtime& runtime)
    : samples_(runtime.coordination()),
      sample_timer_(runtime.timers(), [this] { samples_.post([this] { sample(); }); }) {}

Result<std::unique_ptr<JobHost>> JobHost::open(const ConnectorRegistry& registry,
                                               flow::Runtime& runtime, const std::string& state_dir,
                                               MakeCatalog make_catalog) {
  std::unique_ptr<JobHost> host(new JobHost(runtime));
  TRY_ASSIGN(host->state_, StateDirectory::open(state_dir));
  host->context_.registry = &registry;
  host->context_.state = host->state_.get();
  host->context_.runtime = &runtime;
  if (make_catalog) host->context_.make_catalog = std::move(make_catalog);
  TRY_ASSIGN(StateDirectory::Loaded loaded, host->state_->load());
  for (const std::string& fault : loaded.faults) log(LogLevel::kError, "server", fault);
  MutexLock lock(host->mutex_);
  for (JobRecord& record : loaded.records) {
    std::string name = record.name;
    host->jobs_.emplace(std::move(name),
                        std::make_shared<HostedJob>(host->context_, std::move(record)));
  }
  return host;
}

JobHost::~JobHost() {
  samples_.close();
  shut_down();
}

void JobHost::resume() {
  for (const auto& job : jobs()) {
    if (job->view().record.wanted) job->resume();
  }
  sample_timer_.arm_after(JobSeries::kIntervalMs);
}

void JobHost::sample() {
  for (const auto& job : jobs()) job->sample();
  sample_timer_.arm_after(JobSeries::kIntervalMs);
}

std::optional<Refusal> JobHost::submit(Submission submission) {
  if (!is_name(submission.name)) {
    return Refusal::because(
        Refusal::Reason::kInvalid, "'" + submission.name + "' cannot be the name of a job",
        "take 1 to 64 letters, digits, '_', '-' and '.', the first a letter or a digit");
  }
  if (submission.checkpoint_dir.empty()) submission.checkpoint_dir = submission.name;
  if (!is_name(submission.checkpoint_dir)) {
    return Refusal::because(Refusal::Reason::kInvalid,
                            "checkpoint_dir '" + submission.checkpoint_dir +
                                "' is no name of a folder inside the server's state directory",
                            "a name without '/'; leave it out to take the job's name");
  }
  JobRecord record;
  record.name = submission.name;
  record.sql = std::move(submission.sql);
  record.settings = std::move(submission.settings);
  record.checkpoint_dir = std::move(submission.checkpoint_dir);
  record.submitted_ms = context_.runtime->clock().wall_ms();
  const auto job = std::make_shared<HostedJob>(context_, std::move(record));
  {
    MutexLock lock(mutex_);
    if (closed_)
      return Refusal::because(Refusal::Reason::kUnavailable, "the server is about to end");
    if (jobs_.size() >= kJobsMax) {
      return Refusal::because(Refusal::Reason::kConflict,
                              "the server has " + std::to_string(kJobsMax) + " jobs",
                              "remove jobs that have ended");
    }
    if (!jobs_.emplace(submission.name, job).second) {
      return Refusal::because(Refusal::Reason::kConflict,
                              "there is a job '" + submission.name + "'",
                              "take another name, or remove that job when it has ended");
    }
  }
  auto refused = job->start(submission.start);
  if (!refused) return std::nullopt;
  MutexLock lock(mutex_);
  const auto found = jobs_.find(submission.name);
  // Removed by somebody since; there may be another one of that name.
  if (found == jobs_.end() || found->second != job) return refused;
  const auto kept = job->remove();
  const bool runs = kept && kept->reason == Refusal::Reason::kConflict;  // started again since
  if (!runs) jobs_.erase(found);
  return refused;
}

std::shared_ptr<HostedJob> JobHost::find(const std::string& name) const {
  MutexLock lock(mutex_);
  const auto found = jobs_.find(name);
  return found == jobs_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<HostedJob>> JobHost::jobs() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<HostedJob>> all;
  for (const auto& [name, job] : jobs_) all.push_back(job);
  return all;
}

std::optional<Refusal> JobHost::remove(const std::string& name) {
  std::shared_ptr<HostedJob> removed;  // dies outside the lock
  MutexLock lock(mutex_);
  const auto found = jobs_.find(name);
  if (found == jobs_.end())
    return Refusal::because(Refusal::Reason::kNotFound, "there is no job '" + name + "'");
  if (auto refused = found->second->remove()) return refused;
  removed = std::move(found->second);
  jobs_.erase(found);
  return std::nullopt;
}

void JobHost::shut_down() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  const auto all = jobs();
  for (const auto& job : all) job->leave(true);
  for (const auto& job : all) job->await_end();
}

void JobHost::hurry() {
  for (const auto& job : jobs()) job->leave(false);
}

std::string JobHost::metrics() const {
  std::vector<std::pair<std::string, JobReport>> reports;
  for (const auto& job : jobs()) {
    HostedJob::View view = job->view();
    reports.emplace_back(view.record.name, std::move(view.report));
  }
  const auto gauge = [](const MetricFamily& family, std::size_t value) {
    const std::string name = "slipstream_" + std::string(family.name);
    return "# HELP " + name + " " + std::string(family.help) + "\n# TYPE " + name + " gauge\n" +
           name + " " + std::to_string(value) + "\n";
  };
  const flow::MemoryBudget& memory = *context_.runtime->memory();
  return flow::prometheus_text(reports) + gauge(kMemoryUsed, memory.used()) +
         gauge(kMemoryLimit, memory.limit());
}

}  // namespace slipstream::server
