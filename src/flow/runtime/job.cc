#include "flow/job.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/thrown.h"
#include "base/try.h"
#include "flow/checkpoint/ownership.h"
#include "flow/checkpoint/store.h"
#include "flow/runtime/attempt.h"
#include "flow/runtime/plan.h"
#include "flow/runtime/restart.h"

namespace slipstream::flow {
namespace {

constexpr std::int64_t kCheckAgainMs = 500;

std::uint64_t random_token() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

}  // namespace

// Owner:  Job. One thread that runs attempts one after the other and is the coordinator of each.
// Thread: public methods any.
class Job::Impl {
 public:
  Impl(Graph graph, JobOptions options, Say say)
      : graph_(std::move(graph)), options_(std::move(options)), say_(std::move(say)) {}

  ~Impl() {
    cancel();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    if (options_.parallelism == 0)
      options_.parallelism = std::max(1U, std::thread::hardware_concurrency());
    if (options_.batch_rows == 0)
      return Error{ErrorCode::kInvalidArgument, "batch_rows must be at least 1"};
    if (!say_) say_ = [](std::string_view) {};
    if (!options_.checkpoint_dir.empty()) {
      TRY_ASSIGN(ownership_, DirectoryOwnership::acquire(options_.checkpoint_dir, clock_));
    }
    TRY_ASSIGN(store_, CheckpointStore::open(options_, graph_, say_));
    max_parallelism_ = options_.max_parallelism;
    // Key groups are how the state is cut: they stay as they were.
    if (store_->latest() != nullptr) max_parallelism_ = store_->latest()->max_parallelism;
    TRY_ASSIGN(plan_, make_plan(graph_, options_.parallelism, max_parallelism_));
    {
      MutexLock lock(mutex_);
      report_.vertices = vertices();
    }
    if (store_->latest() != nullptr && store_->latest()->finished) {
      say_("the job is finished: checkpoint " + std::to_string(store_->latest()->id) +
           " is its last and everything is published; start with " +
           option_name(options_, "fresh") + " to run it again");
      end(JobReport::State::kFinished, Status());
      return {};
    }
    if (store_->latest() != nullptr) {
      const bool savepoint = store_->latest()->kind == CheckpointKind::kSavepoint;
      say_(std::string("going on from ") + (savepoint ? "savepoint " : "checkpoint ") +
           std::to_string(store_->latest()->id));
    }
    // A job that ran before is not wrong because its brokers are away at the moment.
    progress_.ever_ran = store_->latest() != nullptr;
    Status outputs = check_outputs();
    outputs_checked_ = outputs.ok();
    if (!outputs.ok()) {
      if (!progress_.ever_ran || !outputs.error().retryable) return outputs;
      say_(outputs.to_string() + "; trying again until it works");
    }
    if (options_.checkpoint_interval.count() == 0) {
      say_(
          "checkpoints are off: no guarantee, a failure ends the job; group offsets are noted "
          "every 5 s");
    }
    budget_ = options_.memory;
    if (budget_ == nullptr) budget_ = std::make_shared<MemoryBudget>(options_.memory_bytes);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  Status wait() {
    MutexLock lock(mutex_);
    while (!result_) changed_.wait(mutex_);
    return *result_;
  }

  std::optional<Status> wait_for(std::chrono::milliseconds limit) {
    const std::int64_t deadline = clock_.now_ms() + limit.count();
    MutexLock lock(mutex_);
    while (!result_) {
      const std::int64_t left = deadline - clock_.now_ms();
      if (left <= 0) return std::nullopt;
      changed_.wait_for_ms(mutex_, left);
    }
    return result_;
  }

  void stop() {
    MutexLock lock(mutex_);
    stop_wanted_ = true;
    changed_.notify_all();
    if (attempt_ != nullptr) attempt_->stop();
  }

  Result<CheckpointId> checkpoint(std::chrono::milliseconds limit) {
    if (options_.checkpoint_interval.count() == 0)
      return Error{ErrorCode::kUnsupported,
                   "checkpoints are off: set a checkpoint interval to take one by hand"};
    const std::int64_t deadline = clock_.now_ms() + limit.count();
    // the coordinator may answer after this call has given up
    const auto least = std::make_shared<std::atomic<CheckpointId>>(0);
    const Attempt* asked = nullptr;
    MutexLock lock(mutex_);
    while (!result_) {
      if (attempt_ != nullptr && attempt_ != asked) {
        asked = attempt_;
        least->store(0);
        attempt_->checkpoint([least](CheckpointId id) { least->store(id); });
      }
      if (attempt_ == nullptr) asked = nullptr;
      if (least->load() != 0 && report_.last_checkpoint >= least->load())
        return report_.last_checkpoint;
      const std::int64_t left = deadline - clock_.now_ms();
      if (left <= 0)
        return Error::retry(ErrorCode::kTimeout, "no checkpoint was completed within " +
                                                     std::to_string(limit.count()) + " ms");
      changed_.wait_for_ms(mutex_, left);
    }
    return Error{ErrorCode::kCancelled, "the job has ended"};
  }

  void cancel() {
    MutexLock lock(mutex_);
    cancel_wanted_ = true;
    changed_.notify_all();
    if (attempt_ != nullptr) attempt_->cancel();
  }

  JobReport report() {
    MutexLock lock(mutex_);
    JobReport report = report_;
    if (attempt_ != nullptr) attempt_->report(report);
    if (stop_wanted_ && report.state == JobReport::State::kRunning)
      report.state = JobReport::State::kStopping;
    return report;
  }

 private:
  Attempt::Outcome run_attempt() {
    Attempt::Options options;
    options.graph = &graph_;
    options.plan = &plan_;
    options.job = &options_;
    options.clock = &clock_;
    options.store = store_.get();
    options.ownership = ownership_.get();
    options.budget = budget_.get();
    options.progress = &progress_;
    options.max_parallelism = max_parallelism_;
    options.token = random_token();
    options.say = say_;
    options.progressed = [this](const JobProgress& progress) {
      MutexLock lock(mutex_);
      report_.completed_checkpoints = progress.completed_checkpoints;
      report_.last_checkpoint = progress.last_checkpoint;
      report_.last_checkpoint_duration = std::chrono::milliseconds(progress.last_duration_ms);
      report_.checkpoints.assign(progress.checkpoints.begin(), progress.checkpoints.end());
      changed_.notify_all();
    };
    auto attempt = std::make_unique<Attempt>(std::move(options));
    {
      MutexLock lock(mutex_);
      attempt_ = attempt.get();
      report_.state = JobReport::State::kRunning;
      report_.earlier_rows_read = rows_read(report_);
      report_.earlier_rows_written = rows_written(report_);
      report_.tasks.clear();
      report_.edges.clear();
      changed_.notify_all();
      if (stop_wanted_) attempt->stop();
      if (cancel_wanted_) attempt->cancel();
    }
    Attempt::Outcome outcome = attempt->run();
    MutexLock lock(mutex_);
    attempt_ = nullptr;
    attempt->report(report_);
    return outcome;
  }

  std::vector<VertexReport> vertices() const {
    std::vector<VertexReport> all;
    for (const Chain& chain : plan_.chains) {
      VertexReport& vertex = all.emplace_back();
      vertex.parallelism = chain.parallelism;
      for (const NodeId node : chain.nodes)
        vertex.name += (vertex.name.empty() ? "" : " -> ") + graph_.nodes[node].name;
    }
    return all;
  }

  void note_failure(const Status& cause) SLIPSTREAM_REQUIRES(mutex_) {
    report_.last_error = cause.to_string();
    if (report_.failures.size() == JobReport::kHistoryMax)
      report_.failures.erase(report_.failures.begin());
    report_.failures.push_back({clock_.wall_ms(), report_.last_error});
  }

  Status check_outputs() {
    for (const Node& node : graph_.nodes) {
      if (node.sink == nullptr) continue;
      const Status checked = without_exceptions([&] { return node.sink->check_before_start(); });
      if (!checked.ok()) return checked.with_context("sink '" + node.name + "'");
    }
    return {};
  }

  // False when the job has ended meanwhile.
  bool wait_for_outputs() {
    while (!outputs_checked_) {
      if (is_stopped_within(kCheckAgainMs)) {
        end(JobReport::State::kFinished, Status());
        return false;
      }
      const Status outputs = check_outputs();
      outputs_checked_ = outputs.ok();
      if (outputs.ok() || outputs.error().retryable) continue;
      end(JobReport::State::kFailed, outputs);
      return false;
    }
    return true;
  }

  bool is_stopped_within(std::int64_t limit_ms) {
    const std::int64_t deadline = clock_.now_ms() + limit_ms;
    MutexLock lock(mutex_);
    while (!cancel_wanted_ && !stop_wanted_ && clock_.now_ms() < deadline)
      changed_.wait_for_ms(mutex_, std::max<std::int64_t>(1, deadline - clock_.now_ms()));
    return cancel_wanted_ || stop_wanted_;
  }

  void run() {
    if (!wait_for_outputs()) return;
    while (true) {
      const Attempt::Outcome outcome = run_attempt();
      switch (outcome.end) {
        case Attempt::End::kFinished:
        case Attempt::End::kStopped:
          return end(JobReport::State::kFinished, Status());
        case Attempt::End::kCrashed:
        case Attempt::End::kCancelled:
          return end(JobReport::State::kFailed, outcome.cause);
        case Attempt::End::kFailed:
          // Whoever asked for a savepoint must hear that there is none.
          if (savepoint_failed()) return end(JobReport::State::kFailed, outcome.cause);
          if (!restart(outcome.cause)) return;
      }
    }
  }

  bool savepoint_failed() const {
    if (progress_.checkpoints.empty()) return false;
    const CheckpointReport& last = progress_.checkpoints.back();
    return last.kind == CheckpointReport::Kind::kSavepoint && !last.completed;
  }

  // False when the job has failed for good.
  bool restart(const Status& cause) {
    RestartFacts facts;
    facts.cause = cause.error();
    facts.checkpointing = options_.checkpoint_interval.count() > 0;
    facts.ever_ran = progress_.ever_ran;
    facts.failures = ++progress_.failures;
    const auto delay = restart_delay(facts, options_);
    if (!delay) {
      end(JobReport::State::kFailed, cause);
      return false;
    }
    say_("the job failed: " + cause.to_string() + "; restarting " +
         (store_->latest() == nullptr ? "from the beginning"
                                      : "from checkpoint " + std::to_string(store_->latest()->id)) +
         " in " + std::to_string(delay->count()) + " ms (attempt " +
         std::to_string(facts.failures) + " of " + std::to_string(options_.restart_attempts) + ")");
    MutexLock lock(mutex_);
    ++report_.restarts;
    note_failure(cause);
    report_.state = JobReport::State::kRestarting;
    const std::int64_t deadline = clock_.now_ms() + delay->count();
    // A stop ends the wait once; attempts that fail after it wait as ever.
    const bool stop_was_wanted = stop_wanted_;
    while (!cancel_wanted_ && stop_wanted_ == stop_was_wanted && clock_.now_ms() < deadline) {
      changed_.wait_for_ms(mutex_, std::max<std::int64_t>(1, deadline - clock_.now_ms()));
    }
    return true;
  }

  void end(JobReport::State state, Status result) {
    // Another process may take the directory from here on.
    store_.reset();
    ownership_.reset();
    MutexLock lock(mutex_);
    report_.state = state;
    if (!result.ok()) note_failure(result);
    result_ = std::move(result);
    changed_.notify_all();
  }

  const SystemClock clock_;
  Graph graph_;
  JobOptions options_;
  Say say_;
  Plan plan_;
  std::uint32_t max_parallelism_ = 128;
  std::unique_ptr<DirectoryOwnership> ownership_;
  std::unique_ptr<CheckpointStore> store_;
  std::shared_ptr<MemoryBudget> budget_;
  JobProgress progress_;  // job thread
  bool outputs_checked_ = false;

  Mutex mutex_;
  Condition changed_;
  Attempt* attempt_ SLIPSTREAM_GUARDED_BY(mutex_) = nullptr;
  bool stop_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool cancel_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::optional<Status> result_ SLIPSTREAM_GUARDED_BY(mutex_);
  JobReport report_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::thread thread_;
};

std::string option_name(const JobOptions& options, std::string_view field) {
  if (!options.from_command_line) return "'" + std::string(field) + "'";
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

Job::Job(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Job::~Job() = default;

Result<std::unique_ptr<Job>> Job::start(Graph graph, JobOptions options,
                                        std::function<void(std::string_view)> say) {
  auto impl = std::make_unique<Impl>(std::move(graph), std::move(options), std::move(say));
  TRY(impl->start());
  return std::unique_ptr<Job>(new Job(std::move(impl)));
}

Status Job::wait() { return impl_->wait(); }

std::optional<Status> Job::wait_for(std::chrono::milliseconds limit) {
  return impl_->wait_for(limit);
}

void Job::stop_with_savepoint() { impl_->stop(); }

Result<CheckpointId> Job::checkpoint(std::chrono::milliseconds limit) {
  return impl_->checkpoint(limit);
}

void Job::cancel() { impl_->cancel(); }

JobReport Job::report() const { return impl_->report(); }

}  // namespace slipstream::flow
