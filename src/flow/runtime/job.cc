#include "flow/job.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/thrown.h"
#include "base/timers.h"
#include "base/try.h"
#include "base/work_pool.h"
#include "flow/checkpoint/ownership.h"
#include "flow/checkpoint/store.h"
#include "flow/row_audit.h"
#include "flow/runtime.h"
#include "flow/runtime/attempt.h"
#include "flow/runtime/plan.h"
#include "flow/runtime/restart.h"
#include "flow/taps.h"

namespace slipstream::flow {
namespace {

constexpr std::int64_t kCheckIntervalMs = 500;

std::uint64_t random_token() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

}  // namespace

// One attempt after the other. What happens next is decided in a queue on the coordination pool; what
// may wait for a peer (checking outputs) is done on the blocking one.
//
// Owner:  Job.
// Thread: public methods any.
class Job::Impl {
 public:
  Impl(Runtime& runtime, Graph graph, EngineOptions options, Notify notify)
      : runtime_(runtime),
        clock_(runtime.clock()),
        graph_(std::move(graph)),
        options_(std::move(options)),
        notify_(std::move(notify)),
        taps_(std::make_shared<Taps>(graph_)),
        queue_(runtime.coordination()),
        timer_(runtime.timers(), [this] { queue_.post([this] { go_on(); }); }) {}

  ~Impl() {
    if (started_) {
      cancel();
      static_cast<void>(wait());
    }
    ownership_.reset();  // it posts to the queue
  }

  Status start() {
    if (options_.parallelism == 0)
      options_.parallelism = static_cast<std::uint32_t>(runtime_.cores());
    if (options_.batch_rows == 0)
      return Error{ErrorCode::kInvalidArgument, "batch_rows must be at least 1"};
    if (!notify_) notify_ = [](std::string_view) {};
    TRY(runtime_.start());
    if (!options_.checkpoint_dir.empty()) {
      TRY_ASSIGN(ownership_,
                 DirectoryOwnership::acquire(
                     options_.checkpoint_dir, runtime_.timers(), runtime_.coordination(),
                     [this] { queue_.post([this] { directory_lost(); }); }));
    }
    TRY_ASSIGN(store_, CheckpointStore::open(options_, graph_, notify_, [this] {
                 return ownership_ != nullptr ? ownership_->check() : Status();
               }));
    max_parallelism_ = options_.max_parallelism;
    // Key groups are how the state is cut: they stay as they were.
    if (store_->latest() != nullptr) max_parallelism_ = store_->latest()->max_parallelism;
    TRY_ASSIGN(plan_, make_plan(graph_, options_.parallelism, max_parallelism_));
    audit_ = make_audit();
    {
      MutexLock lock(mutex_);
      report_.vertices = vertices();
    }
    if (store_->latest() != nullptr && store_->latest()->finished) {
      notify_("the job is finished: checkpoint " + std::to_string(store_->latest()->id) +
              " is its last and everything is published; start with " +
              option_name(options_, "fresh") + " to run it again");
      end(JobReport::State::kFinished, Status());
      return {};
    }
    if (store_->latest() != nullptr) {
      const bool savepoint = store_->latest()->kind == CheckpointKind::kSavepoint;
      notify_(std::string("going on from ") + (savepoint ? "savepoint " : "checkpoint ") +
              std::to_string(store_->latest()->id));
    }
    // A job that ran before is not wrong because its brokers are away at the moment.
    progress_.ever_ran = store_->latest() != nullptr;
    Status outputs = check_outputs();
    outputs_checked_ = outputs.ok();
    if (!outputs.ok()) {
      if (!progress_.ever_ran || !outputs.error().retryable) return outputs;
      notify_(outputs.to_string() + "; trying again until it works");
    }
    if (options_.checkpoint_interval.count() == 0) {
      notify_(
          "checkpoints are off: no guarantee, a failure ends the job; group offsets are noted "
          "every 5 s");
    }
    budget_ = runtime_.memory();
    if (budget_ == nullptr) budget_ = std::make_shared<MemoryBudget>(options_.memory_bytes);
    claim_ = std::make_unique<Runtime::JobLabel>(runtime_, options_.name);
    label_ = claim_->text();
    started_ = true;
    queue_.post([this] { begin(); });
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
    while (!result_ && clock_.now_ms() < deadline)
      wait_until_ms(clock_, changed_, mutex_, deadline);
    return result_;
  }

  void when_ended(std::function<void(const Status&)> ended) {
    Status result;
    {
      MutexLock lock(mutex_);
      if (!result_) {
        ended_ = std::move(ended);
        return;
      }
      result = *result_;
    }
    ended(result);
  }

  void stop() {
    MutexLock lock(mutex_);
    stop_wanted_ = true;
    changed_.notify_all();
    if (attempt_ != nullptr) return attempt_->stop();
    queue_.post([this] { go_on(); });
  }

  Result<CheckpointId> checkpoint(std::chrono::milliseconds limit) {
    if (options_.checkpoint_interval.count() == 0)
      return Error{ErrorCode::kUnsupported,
                   "checkpoints are off: set a checkpoint interval to take one by hand"};
    const std::int64_t deadline = clock_.now_ms() + limit.count();
    // the attempt may answer after this call has given up
    const auto least = std::make_shared<std::atomic<CheckpointId>>(0);
    std::uint64_t asked = 0;  // attempt
    MutexLock lock(mutex_);
    while (!result_) {
      if (attempt_ != nullptr && attempts_ != asked) {
        asked = attempts_;
        least->store(0);
        attempt_->checkpoint([least](CheckpointId id) { least->store(id); });
      }
      if (least->load() != 0 && report_.last_checkpoint >= least->load())
        return report_.last_checkpoint;
      if (clock_.now_ms() >= deadline)
        return Error::retry(ErrorCode::kTimeout, "no checkpoint was completed within " +
                                                     std::to_string(limit.count()) + " ms");
      wait_until_ms(clock_, changed_, mutex_, deadline);
    }
    return Error{ErrorCode::kCancelled, "the job has ended"};
  }

  void cancel() {
    MutexLock lock(mutex_);
    cancel_wanted_ = true;
    changed_.notify_all();
    if (attempt_ != nullptr) return attempt_->cancel();
    queue_.post([this] { go_on(); });
  }

  JobReport report() {
    MutexLock lock(mutex_);
    JobReport report = report_;
    if (attempt_ != nullptr) attempt_->report(report);
    if (stop_wanted_ && report.state == JobReport::State::kRunning)
      report.state = JobReport::State::kStopping;
    return report;
  }

  std::shared_ptr<Taps> taps() const { return taps_; }

  std::shared_ptr<const RowAudit> audit() const { return audit_; }

  const std::string& label() const { return label_.empty() ? options_.name : label_; }

 private:
  // What the queue is to do when the timer fires or somebody wants the job to end.
  enum class Waiting : std::uint8_t {
    kNothing,  // an attempt runs, outputs are being checked, or the job has ended
    kOutputs,  // to check the outputs again
    kRestart,  // to start the next attempt
  };

  void begin() {
    if (outputs_checked_) return start_attempt();
    pause(Waiting::kOutputs, kCheckIntervalMs);
  }

  void pause(Waiting what, std::int64_t ms) {
    waiting_ = what;
    due_ms_ = clock_.now_ms() + ms;
    timer_.arm(due_ms_);
  }

  void go_on() {
    bool cancelled = false;
    bool stopped = false;
    {
      MutexLock lock(mutex_);
      cancelled = cancel_wanted_;
      stopped = stop_wanted_;
    }
    const bool due = clock_.now_ms() >= due_ms_;
    if (waiting_ == Waiting::kOutputs) {
      if (cancelled || stopped) return end(JobReport::State::kFinished, Status());
      if (due) check_outputs_again();
    } else if (waiting_ == Waiting::kRestart) {
      // A stop ends the wait once; attempts that fail after it wait as ever.
      if (due || cancelled || stopped != stop_was_wanted_) start_attempt();
    }
  }

  void check_outputs_again() {
    waiting_ = Waiting::kNothing;
    runtime_.blocking().run([this] {
      queue_.post([this, outputs = check_outputs()] {
        outputs_checked_ = outputs.ok();
        if (outputs.ok()) return start_attempt();
        if (!outputs.error().retryable) return end(JobReport::State::kFailed, outputs);
        pause(Waiting::kOutputs, kCheckIntervalMs);
        go_on();
      });
    });
  }

  bool is_directory_lost() const { return ownership_ != nullptr && ownership_->is_lost(); }

  // Another process runs the job: nothing is to be tried again here.
  void directory_lost() {
    if (!is_directory_lost()) return;  // the job has ended
    if (running_ != nullptr) return running_->fail(ownership_->check());
    if (waiting_ != Waiting::kNothing) end(JobReport::State::kFailed, ownership_->check());
  }

  void start_attempt() {
    if (is_directory_lost()) return end(JobReport::State::kFailed, ownership_->check());
    waiting_ = Waiting::kNothing;
    timer_.disarm();
    audit_->begin_attempt();
    running_ = std::make_unique<Attempt>(attempt_options());
    running_->start();
    MutexLock lock(mutex_);
    attempt_ = running_.get();
    ++attempts_;
    report_.state = JobReport::State::kRunning;
    report_.earlier_rows_read = rows_read(report_);
    report_.earlier_rows_written = rows_written(report_);
    report_.tasks.clear();
    report_.edges.clear();
    changed_.notify_all();
    if (stop_wanted_) attempt_->stop();
    if (cancel_wanted_) attempt_->cancel();
  }

  Attempt::Options attempt_options() {
    Attempt::Options options;
    options.graph = &graph_;
    options.plan = &plan_;
    options.job = &options_;
    options.runtime = &runtime_;
    options.label = label_;
    options.store = store_.get();
    options.ownership = ownership_.get();
    options.budget = budget_.get();
    options.taps = taps_.get();
    options.audit = audit_.get();
    options.progress = &progress_;
    options.max_parallelism = max_parallelism_;
    options.token = random_token();
    options.notify = notify_;
    options.progressed = [this](const JobProgress& progress) {
      MutexLock lock(mutex_);
      report_.completed_checkpoints = progress.completed_checkpoints;
      report_.last_checkpoint = progress.last_checkpoint;
      report_.last_checkpoint_duration = std::chrono::milliseconds(progress.last_duration_ms);
      report_.checkpoints.assign(progress.checkpoints.begin(), progress.checkpoints.end());
      changed_.notify_all();
    };
    options.publishing = [this](std::string_view text) {
      MutexLock lock(mutex_);
      report_.publishing = text;
    };
    options.ended = [this](const Attempt::Outcome& outcome) {
      queue_.post([this, outcome] { attempt_ended(outcome); });
    };
    return options;
  }

  std::shared_ptr<RowAudit> make_audit() const {
    RowAudit::Options options;
    for (const std::size_t chain : plan_.chain_of)
      options.parallelism.push_back(plan_.chains[chain].parallelism);
    options.checksums = options_.audit_checksums;
    options.started_ms = clock_.wall_ms();
    return std::make_shared<RowAudit>(graph_, std::move(options));
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

  void attempt_ended(const Attempt::Outcome& outcome) {
    {
      MutexLock lock(mutex_);
      attempt_ = nullptr;
      running_->report(report_);
      report_.publishing.clear();
    }
    running_.reset();
    switch (outcome.end) {
      case Attempt::End::kFinished:
      case Attempt::End::kStopped:
        return end(JobReport::State::kFinished, Status());
      case Attempt::End::kCrashed:
      case Attempt::End::kCancelled:
        return end(JobReport::State::kFailed, outcome.cause);
      case Attempt::End::kFailed:
        // Whoever asked for a savepoint is answered that there is none.
        if (savepoint_failed()) return end(JobReport::State::kFailed, outcome.cause);
        return restart(outcome.cause);
    }
  }

  bool savepoint_failed() const {
    if (progress_.checkpoints.empty()) return false;
    const CheckpointReport& last = progress_.checkpoints.back();
    return last.kind == CheckpointReport::Kind::kSavepoint && !last.completed;
  }

  void restart(const Status& cause) {
    if (is_directory_lost()) return end(JobReport::State::kFailed, ownership_->check());
    RestartFacts facts;
    facts.cause = cause.error();
    facts.checkpointing = options_.checkpoint_interval.count() > 0;
    facts.ever_ran = progress_.ever_ran;
    facts.failures = ++progress_.failures;
    const auto delay = restart_delay(facts, options_);
    if (!delay) return end(JobReport::State::kFailed, cause);
    notify_(
        "the job failed: " + cause.to_string() + "; restarting " +
        (store_->latest() == nullptr ? "from the beginning"
                                     : "from checkpoint " + std::to_string(store_->latest()->id)) +
        " in " + std::to_string(delay->count()) + " ms (attempt " + std::to_string(facts.failures) +
        " of " + std::to_string(options_.restart_attempts) + ")");
    {
      MutexLock lock(mutex_);
      ++report_.restarts;
      note_failure(cause);
      report_.state = JobReport::State::kRestarting;
      stop_was_wanted_ = stop_wanted_;
    }
    pause(Waiting::kRestart, delay->count());
    go_on();  // it may have been cancelled before
  }

  void end(JobReport::State state, Status result) {
    waiting_ = Waiting::kNothing;
    timer_.disarm();
    // Another process may take the directory from here on.
    store_.reset();
    ownership_.reset();
    claim_.reset();
    taps_->close();
    std::function<void(const Status&)> ended;
    {
      MutexLock lock(mutex_);
      report_.state = state;
      if (!result.ok()) note_failure(result);
      result_ = result;
      ended = std::move(ended_);
      changed_.notify_all();
    }
    if (ended) ended(result);
  }

  Runtime& runtime_;
  const Clock& clock_;
  Graph graph_;
  EngineOptions options_;
  Notify notify_;
  const std::shared_ptr<Taps> taps_;
  JobPlan plan_;
  std::shared_ptr<RowAudit> audit_;  // from start() on
  std::uint32_t max_parallelism_ = 128;
  bool started_ = false;
  std::unique_ptr<DirectoryOwnership> ownership_;
  std::unique_ptr<CheckpointStore> store_;
  std::shared_ptr<MemoryBudget> budget_;
  std::unique_ptr<Runtime::JobLabel> claim_;  // until the end
  std::string label_;

  // In the queue only, from start() on.
  JobProgress progress_;
  bool outputs_checked_ = false;
  Waiting waiting_ = Waiting::kNothing;
  std::int64_t due_ms_ = 0;
  bool stop_was_wanted_ = false;  // when the last attempt failed
  std::unique_ptr<Attempt> running_;

  Mutex mutex_;
  Condition changed_;
  Attempt* attempt_ SLIPSTREAM_GUARDED_BY(mutex_) = nullptr;
  std::uint64_t attempts_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // begun
  bool stop_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  bool cancel_wanted_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::optional<Status> result_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::function<void(const Status&)> ended_ SLIPSTREAM_GUARDED_BY(mutex_);
  JobReport report_ SLIPSTREAM_GUARDED_BY(mutex_);

  WorkQueue queue_;
  Timer timer_;
};

std::string option_name(const EngineOptions& options, std::string_view field) {
  if (!options.from_command_line) return "'" + std::string(field) + "'";
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

Job::Job(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Job::~Job() = default;

Result<std::unique_ptr<Job>> Job::start(Runtime& runtime, Graph graph, EngineOptions options,
                                        Notify notify) {
  auto impl =
      std::make_unique<Impl>(runtime, std::move(graph), std::move(options), std::move(notify));
  TRY(impl->start());
  return std::unique_ptr<Job>(new Job(std::move(impl)));
}

Status Job::wait() { return impl_->wait(); }

std::optional<Status> Job::wait_for(std::chrono::milliseconds limit) {
  return impl_->wait_for(limit);
}

void Job::when_ended(std::function<void(const Status&)> ended) {
  impl_->when_ended(std::move(ended));
}

void Job::stop_with_savepoint() { impl_->stop(); }

Result<CheckpointId> Job::checkpoint(std::chrono::milliseconds limit) {
  return impl_->checkpoint(limit);
}

void Job::cancel() { impl_->cancel(); }

JobReport Job::report() const { return impl_->report(); }

std::shared_ptr<Taps> Job::taps() const { return impl_->taps(); }

std::shared_ptr<const RowAudit> Job::audit() const { return impl_->audit(); }

const std::string& Job::label() const { return impl_->label(); }

}  // namespace slipstream::flow
