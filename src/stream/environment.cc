#include "slipstream/stream/environment.h"

#include <atomic>

#include "base/metric_store.h"
#include "base/try.h"
#include "flow/job.h"
#include "flow/runtime.h"
#include "stream/plan.h"

namespace slipstream::stream {

class JobHandle::Impl {
 public:
  Impl(std::unique_ptr<flow::Job> job, std::shared_ptr<flow::Runtime> runtime,
       std::shared_ptr<const ConnectorRegistry> connectors, std::shared_ptr<UserCodeWatch> watch)
      : connectors_(std::move(connectors)),
        runtime_(std::move(runtime)),
        watch_(std::move(watch)),
        job_(std::move(job)) {
    watch_->set_cancel([this] { job_->cancel(); });
  }
  ~Impl() {
    job_->cancel();
    static_cast<void>(job_->wait());
    watch_->set_cancel(nullptr);
    watch_->stop();
  }
  flow::Job& job() const { return *job_; }
  flow::Runtime& runtime() const { return *runtime_; }
  const UserCodeWatch& watch() const { return *watch_; }

  void cancel() {
    cancelled_.store(true);
    job_->cancel();
  }
  // How the job ended, with what user code threw where no task could fail any more.
  Status end_of(const Status& status) const {
    const Status failure = watch_->failure();
    if (failure.ok() || (!status.ok() && status.error().code != ErrorCode::kCancelled))
      return status;
    return cancelled_.load() ? status : failure;
  }

 private:
  std::shared_ptr<const ConnectorRegistry> connectors_;  // sources may refer to their factories
  std::shared_ptr<flow::Runtime> runtime_;
  std::shared_ptr<UserCodeWatch> watch_;
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<flow::Job> job_;
};

namespace {

Error no_job() { return {ErrorCode::kInvalidArgument, "the handle of the job was moved away"}; }

}  // namespace

Status JobHandle::await() {
  return impl_ == nullptr ? no_job() : impl_->end_of(impl_->job().wait());
}

std::optional<Status> JobHandle::wait_for(std::chrono::milliseconds limit) {
  if (impl_ == nullptr) return no_job();
  const auto status = impl_->job().wait_for(limit);
  return status ? std::optional(impl_->end_of(*status)) : std::nullopt;
}

void JobHandle::request_stop() {
  if (impl_ != nullptr) impl_->job().stop_with_savepoint();
}

Status JobHandle::stop() {
  request_stop();
  return await();
}

Result<CheckpointId> JobHandle::savepoint(std::chrono::milliseconds limit) {
  if (impl_ == nullptr) return no_job();
  return impl_->job().checkpoint(limit);
}

void JobHandle::cancel() {
  if (impl_ != nullptr) impl_->cancel();
}

JobStatus JobHandle::report() const {
  JobStatus status;
  if (impl_ == nullptr) {
    status.state = JobReport::State::kFailed;
    status.last_error = no_job().message;
    return status;
  }
  static_cast<JobReport&>(status) = impl_->job().report();
  status.blocked = impl_->watch().blocked();
  const Status end = impl_->end_of({});
  if (status.state == JobReport::State::kFinished && !end.ok()) {
    status.state = JobReport::State::kFailed;
    status.last_error = end.to_string();
  }
  return status;
}

std::string JobHandle::prometheus_text() const {
  if (impl_ == nullptr) return {};
  return impl_->runtime().metrics().prometheus_text() +
         flow::prometheus_text(impl_->job().report(), impl_->job().label());
}

Environment::Environment(JobSettings settings, std::shared_ptr<const ConnectorRegistry> connectors)
    : settings_(std::make_shared<JobSettings>(std::move(settings))),
      plan_(std::make_shared<erased::StreamPlan>(std::move(connectors), settings_)) {}

Result<JobHandle> Environment::execute_async() {
  if (plan_->started)
    return Error{ErrorCode::kInvalidArgument, "the environment was executed already"};
  TRY_ASSIGN(flow::Graph graph, plan_->translate());
  const auto& watch = plan_->watch();
  const std::shared_ptr<flow::Runtime>& runtime = plan_->runtime();
  watch->begin(settings_->on_message, runtime->clock());
  TRY_ASSIGN(auto job, flow::Job::start(*runtime, std::move(graph), *settings_,
                                        [watch](std::string_view text) { watch->notify(text); }));
  plan_->started = true;
  watch->start(settings_->blocked_after, runtime->timers(), runtime->coordination());
  return JobHandle(std::make_shared<JobHandle::Impl>(std::move(job), runtime,
                                                     plan_->shared_connectors(), watch));
}

Status Environment::execute() {
  TRY_ASSIGN(JobHandle job, execute_async());
  return job.await();
}

Result<std::string> Environment::explain() {
  TRY_ASSIGN(const flow::Graph graph, plan_->translate());
  static const char* const kPartitionings[] = {"forward", "by key", "rebalance", "broadcast",
                                               "to one"};
  std::string text;
  for (const flow::Node& node : graph.nodes) {
    text += node.uid + ": " + node.name;
    if (node.parallelism > 0) text += " x" + std::to_string(node.parallelism);
    for (const flow::Input& input : node.inputs) {
      text += std::string(", ") + kPartitionings[static_cast<std::size_t>(input.partitioning)] +
              " from " + graph.nodes[input.from].uid +
              (input.output > 0 ? " (side " + std::to_string(input.output) + ")" : "");
    }
    text += "\n";
  }
  return text;
}

}  // namespace slipstream::stream
