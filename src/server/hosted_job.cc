#include "server/hosted_job.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"
#include "base/try.h"
#include "server/savepoint.h"
#include "sql/launch.h"

namespace slipstream::server {
namespace {

constexpr RetryPolicy kStartRetry{.first_wait_ms = 1'000, .wait_ms_max = 30'000};

Refusal conflict(std::string message, std::string fix = "") {
  return Refusal::because(Refusal::Reason::kConflict, std::move(message), std::move(fix));
}

Refusal not_found(const std::string& name) {
  return Refusal::because(Refusal::Reason::kNotFound, "there is no job '" + name + "'");
}

JobState state_of(JobReport::State state) {
  switch (state) {
    case JobReport::State::kStarting:
      return JobState::kStarting;
    case JobReport::State::kRestarting:
      return JobState::kRestarting;
    case JobReport::State::kStopping:
      return JobState::kStopping;
    default:
      return JobState::kRunning;
  }
}

}  // namespace

// What one run consists of; the job goes first.
struct HostedJob::Run {
  explicit Run(const HostContext& context)
      : catalog(context.make_catalog()), session(*context.registry, *context.runtime, *catalog) {}

  const std::unique_ptr<sql::Catalog> catalog;
  sql::Session session;
  std::vector<sql::RelPtr> plans;
  std::unique_ptr<flow::Job> job;
};

Refusal Refusal::of(const Error& error) {
  Reason reason = Reason::kInvalid;
  if (error.retryable || error.code == ErrorCode::kResourceExhausted) {
    reason = Reason::kUnavailable;
  } else if (error.code == ErrorCode::kTimeout) {
    reason = Reason::kTimeout;
  } else if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kCancelled) {
    reason = Reason::kConflict;  // somebody else has the directory, the job has ended
  } else if (error.code == ErrorCode::kInternal || error.code == ErrorCode::kUserCode) {
    reason = Reason::kInternal;
  }
  if (error.code == ErrorCode::kTimeout) reason = Reason::kTimeout;
  return because(reason, error.message);
}

const char* name_of(JobState state) {
  static constexpr const char* kNames[] = {"starting", "running", "restarting", "stopping",
                                           "finished", "stopped", "cancelled",  "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

HostedJob::HostedJob(const HostContext& context, JobRecord record)
    : context_(context),
      clock_(context.runtime->clock()),
      record_(std::move(record)),
      launches_(context.runtime->blocking()),
      queue_(context.runtime->coordination()),
      timer_(context.runtime->timers(), [this] { queue_.post([this] { start_waiting(); }); }) {}

HostedJob::~HostedJob() {
  await_end();
  launches_.close();
  queue_.close();
}

void HostedJob::notify(std::string_view text) {
  MutexLock lock(mutex_);
  log(LogLevel::kInfo, "job " + record_.name, text);
  events_.push_back(Event{clock_.wall_ms(), std::string(text)});
  if (events_.size() > kEventsMax) events_.pop_front();
}

Status HostedJob::save() {
  Status saved = context_.state->save(record_);
  if (!saved.ok()) log(LogLevel::kError, "server", saved.to_string());
  return saved;
}

std::optional<Refusal> HostedJob::begin() {
  MutexLock lock(mutex_);
  if (removed_) return not_found(record_.name);
  if (active_) return conflict("job '" + record_.name + "' runs already");
  const JobRecord before = record_;
  record_.wanted = true;
  record_.ended.clear();
  record_.error.clear();
  record_.ended_ms = 0;
  if (const Status saved = save(); !saved.ok()) {
    // What cannot be kept would not survive the server.
    record_ = before;
    return Refusal::because(Refusal::Reason::kUnavailable, saved.error().message);
  }
  active_ = true;
  end_ = End::kNone;
  again_.reset();
  start_error_.clear();
  started_ms_ = clock_.wall_ms();
  last_ = {};
  last_audit_.reset();
  return std::nullopt;
}

namespace {

// What a job cannot consist of.
std::optional<Refusal> refuse_script(const sql::Compiled& compiled, const sql::Session& session,
                                     const JobRecord& record) {
  Refusal refusal;
  refusal.script = record.sql;
  refusal.message = "the script has errors";
  refusal.diagnostics = compiled.diagnostics;
  const auto report = [&](std::uint32_t line, std::string message, std::string fix) {
    sql::Diagnostic diagnostic;
    diagnostic.line = line;
    diagnostic.column = 1;
    diagnostic.message = std::move(message);
    diagnostic.fix = std::move(fix);
    refusal.diagnostics.push_back(std::move(diagnostic));
  };
  bool has_insert = false;
  for (const sql::Step& step : compiled.steps) {
    has_insert = has_insert || step.kind == sql::Step::Kind::kInsert;
    if (step.kind == sql::Step::Kind::kSelect)
      report(step.line, "a job consists of INSERTs: nobody would see the rows of this SELECT",
             "run it as a query, or INSERT INTO a table of connector 'print'");
  }
  const auto name = session.settings().find("pipeline.name");
  if (compiled.ok() && name != session.settings().end() && name->second != record.name)
    report(1, "the script names its job '" + name->second + "', the request '" + record.name + "'",
           "leave out SET 'pipeline.name'");
  if (compiled.ok() && !has_insert && refusal.diagnostics.empty())
    report(1, "there is nothing to run: the script has no INSERT", "");
  if (refusal.diagnostics.empty()) return std::nullopt;
  return refusal;
}

}  // namespace

std::shared_ptr<HostedJob::Run> HostedJob::launch(const StartOptions& options, Refusal* refusal,
                                                  bool* retryable) {
  JobRecord record;
  {
    MutexLock lock(mutex_);
    record = record_;
  }
  *retryable = false;
  auto run = std::make_shared<Run>(context_);
  const auto apply = [&]() -> Status {
    for (const auto& [key, value] : record.settings) TRY(run->session.set(key, value));
    return run->session.set("pipeline.name", record.name).status();
  };
  if (const Status set = apply(); !set.ok()) {
    *refusal = Refusal::of(set.error());
    return nullptr;
  }
  sql::Compiled compiled = run->session.compile(record.sql);
  if (auto refused = refuse_script(compiled, run->session, record)) {
    *refusal = std::move(*refused);
    return nullptr;
  }
  for (sql::Step& step : compiled.steps) {
    if (step.kind == sql::Step::Kind::kInsert) run->plans.push_back(std::move(step.plan));
  }
  sql::LaunchOptions launch;
  launch.name = record.name;
  launch.checkpoint_dir = context_.state->checkpoints(record.checkpoint_dir);
  launch.start = options;
  auto job = sql::start_inserts(run->session, run->plans, launch,
                                [this](std::string_view text) { notify(text); });
  if (!job.ok()) {
    *refusal = Refusal::of(job.error());
    *retryable = job.error().retryable;
    return nullptr;
  }
  run->job = std::move(*job);
  MutexLock lock(mutex_);
  run_ = run;
  start_error_.clear();
  if (end_ != End::kNone) request_end(*run->job);
  return run;
}

std::optional<Refusal> HostedJob::start(const StartOptions& options) {
  if (auto refused = begin()) return refused;
  Refusal refusal;
  bool retryable = false;
  auto run = launch(options, &refusal, &retryable);
  if (run == nullptr) {
    MutexLock lock(mutex_);
    active_ = false;
    record_.wanted = false;
    record_.ended = name_of(JobState::kFailed);
    record_.error = refusal.message;
    record_.ended_ms = clock_.wall_ms();
    static_cast<void>(save());
    changed_.notify_all();
    return refusal;
  }
  follow(*run->job);
  return std::nullopt;
}

void HostedJob::resume() {
  if (begin()) return;
  queue_.post([this] {
    waiting_ = StartOptions{};
    start_waiting();
  });
}

void HostedJob::follow(flow::Job& job) {
  job.when_ended([this](const Status& status) { queue_.post([this, status] { ended(status); }); });
}

void HostedJob::ended(const Status& status) {
  retry_.reset();
  waiting_ = finish(status);
  next_start_ms_ = 0;
  if (waiting_) start_waiting();
}

void HostedJob::start_waiting() {
  if (!waiting_) return;
  bool given_up = false;
  {
    MutexLock lock(mutex_);
    if (launching_) return;
    given_up = end_ != End::kNone;
    if (!given_up && (launch_ || clock_.now_ms() < next_start_ms_)) return;
    launch_ = given_up ? std::nullopt : waiting_;
  }
  if (given_up) return ended({});
  launches_.post([this] { launch_waiting(); });
}

void HostedJob::launch_waiting() {
  StartOptions options;
  {
    MutexLock lock(mutex_);
    if (!launch_) return;  // given up before a thread was free
    options = *std::exchange(launch_, std::nullopt);
    launching_ = true;
  }
  Refusal refusal;
  bool retryable = false;
  const auto run = launch(options, &refusal, &retryable);
  queue_.post([this, run, refusal, retryable] { launched(run, refusal, retryable); });
}

void HostedJob::launched(const std::shared_ptr<Run>& run, const Refusal& refusal, bool retryable) {
  {
    MutexLock lock(mutex_);
    launching_ = false;
  }
  if (run != nullptr) {
    waiting_.reset();
    return follow(*run->job);
  }
  std::string why = refusal.message;
  for (const sql::Diagnostic& diagnostic : refusal.diagnostics) {
    why += "; " + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + ": " +
           diagnostic.message;
  }
  if (!retryable) return ended(Error{ErrorCode::kInvalidArgument, std::move(why)});
  if (!retry_)
    retry_.emplace(kStartRetry, clock_, std::stop_token(),
                   std::hash<std::string>()(waiting_->restore_from));
  const std::int64_t delay_ms = retry_->next_wait_ms().value_or(kStartRetry.wait_ms_max);
  notify(why + "; trying again in " + std::to_string(delay_ms) + " ms");
  {
    MutexLock lock(mutex_);
    start_error_ = std::move(why);
  }
  next_start_ms_ = clock_.now_ms() + delay_ms;
  timer_.arm(next_start_ms_);
  start_waiting();  // it may have been given up meanwhile
}

std::optional<StartOptions> HostedJob::finish(const Status& status) {
  std::shared_ptr<Run> ended;  // dies outside the lock
  MutexLock lock(mutex_);
  if (run_ != nullptr) {
    last_ = run_->job->report();
    last_audit_ = run_->job->audit();
  }
  ended = std::exchange(run_, nullptr);
  if (again_ && status.ok()) {
    end_ = End::kNone;
    started_ms_ = clock_.wall_ms();
    return std::exchange(again_, std::nullopt);
  }
  active_ = false;
  changed_.notify_all();
  if (end_ == End::kLeave || end_ == End::kLeaveAtOnce) return std::nullopt;
  const bool cancelled =
      end_ == End::kCancel && (status.ok() || status.error().code == ErrorCode::kCancelled);
  JobState state = end_ == End::kStop ? JobState::kStopped : JobState::kFinished;
  if (cancelled) state = JobState::kCancelled;
  if (!cancelled && !status.ok()) state = JobState::kFailed;
  record_.wanted = false;
  record_.ended = name_of(state);
  record_.error = state == JobState::kFailed ? status.to_string() : "";
  record_.ended_ms = clock_.wall_ms();
  static_cast<void>(save());
  log(state == JobState::kFailed ? LogLevel::kError : LogLevel::kInfo, "job " + record_.name,
      record_.ended + (record_.error.empty() ? "" : ": " + record_.error));
  return std::nullopt;
}

std::optional<Refusal> HostedJob::end_run(End end) {
  MutexLock lock(mutex_);
  if (!active_) return conflict("job '" + record_.name + "' does not run");
  if (end != End::kLeave && end != End::kLeaveAtOnce && record_.wanted) {
    record_.wanted = false;
    const Status saved = save();
    // A job that cannot be stopped for good goes on; one that is cancelled ends all the same.
    if (!saved.ok() && end == End::kStop) {
      record_.wanted = true;
      return Refusal::because(Refusal::Reason::kUnavailable, saved.error().message,
                              "make room, or cancel the job");
    }
  }
  // A cancel may follow a stop, haste a savepoint; not the other way round.
  const bool hurries = end_ == End::kLeaveAtOnce && end == End::kLeave;
  if (end_ != End::kCancel && !hurries) end_ = end;
  again_.reset();
  queue_.post([this] { start_waiting(); });
  if (run_ != nullptr) request_end(*run_->job);
  return std::nullopt;
}

void HostedJob::request_end(flow::Job& job) {
  if (end_ == End::kCancel || end_ == End::kLeaveAtOnce) return job.cancel();
  job.stop_with_savepoint();
}

std::optional<Refusal> HostedJob::stop() { return end_run(End::kStop); }

std::optional<Refusal> HostedJob::cancel() { return end_run(End::kCancel); }

void HostedJob::leave(bool with_savepoint) {
  static_cast<void>(end_run(with_savepoint ? End::kLeave : End::kLeaveAtOnce));
}

void HostedJob::await_end() {
  MutexLock lock(mutex_);
  while (active_) changed_.wait(mutex_);
}

std::optional<Refusal> HostedJob::restart(const StartOptions& options) {
  {
    MutexLock lock(mutex_);
    if (active_) {
      if (end_ != End::kNone) return conflict("job '" + record_.name + "' is about to end");
      again_ = options;
      end_ = End::kStop;
      queue_.post([this] { start_waiting(); });
      if (run_ != nullptr) run_->job->stop_with_savepoint();
      return std::nullopt;
    }
  }
  return start(options);
}

std::optional<Refusal> HostedJob::remove() {
  MutexLock lock(mutex_);
  // The record may be that of another job of the same name.
  if (removed_) return not_found(record_.name);
  if (active_) return conflict("job '" + record_.name + "' runs", "stop or cancel it first");
  const Status gone = context_.state->remove(record_.name);
  if (!gone.ok()) return Refusal::because(Refusal::Reason::kUnavailable, gone.error().message);
  removed_ = true;
  return std::nullopt;
}

std::optional<Refusal> HostedJob::savepoint(std::chrono::milliseconds limit, Savepoint* out) {
  std::shared_ptr<Run> run;
  std::string name;
  std::string directory;
  {
    MutexLock lock(mutex_);
    run = run_;
    name = record_.name;
    directory = context_.state->checkpoints(record_.checkpoint_dir);
  }
  if (run == nullptr) return conflict("job '" + name + "' does not run");
  const auto path =
      take_savepoint(*run->job, directory, context_.state->savepoints(name), limit, &out->id);
  if (!path.ok()) return Refusal::of(path.error());
  out->path = *path;
  return std::nullopt;
}

std::optional<Refusal> HostedJob::tap(Tapped* out) const {
  std::shared_ptr<Run> run;
  {
    MutexLock lock(mutex_);
    run = run_;
    if (run == nullptr) return conflict("job '" + record_.name + "' does not run");
  }
  out->taps = run->job->taps();
  if (auto zone = sql::time_zone_of(run->session); zone.ok()) out->zone = *std::move(zone);
  return std::nullopt;
}

std::optional<Refusal> HostedJob::audit(flow::RowAudit::Report* out) const {
  std::shared_ptr<const flow::RowAudit> audit;
  std::string name;
  {
    MutexLock lock(mutex_);
    audit = run_ != nullptr ? run_->job->audit() : last_audit_;
    name = record_.name;
  }
  if (audit == nullptr) return conflict("job '" + name + "' has not run since the server is up");
  auto report = audit->report();
  if (!report) {
    return conflict("job '" + name +
                        "' has completed no checkpoint in this run: rows are counted "
                        "from one to the next",
                    "ask again after the next one");
  }
  *out = *std::move(report);
  return std::nullopt;
}

bool HostedJob::is_active() const {
  MutexLock lock(mutex_);
  return active_;
}

JobState HostedJob::state() const {
  if (!active_) {
    for (const JobState state : {JobState::kFinished, JobState::kStopped, JobState::kCancelled}) {
      if (record_.ended == name_of(state)) return state;
    }
    return record_.ended.empty() ? JobState::kStopped : JobState::kFailed;
  }
  if (end_ != End::kNone) return again_ ? JobState::kRestarting : JobState::kStopping;
  return run_ == nullptr ? JobState::kStarting : state_of(run_->job->report().state);
}

HostedJob::View HostedJob::view() const {
  View view;
  MutexLock lock(mutex_);
  view.record = record_;
  view.state = state();
  view.started_ms = started_ms_;
  view.report = run_ != nullptr ? run_->job->report() : last_;
  view.error = !record_.error.empty() ? record_.error : start_error_;
  if (view.error.empty()) view.error = view.report.last_error;
  view.events.assign(events_.begin(), events_.end());
  return view;
}

JobReport HostedJob::report() const {
  MutexLock lock(mutex_);
  return run_ != nullptr ? run_->job->report() : last_;
}

void HostedJob::sample() {
  MutexLock lock(mutex_);
  if (run_ != nullptr)
    series_.sample(run_->job->report(), started_ms_, clock_.now_ms(), clock_.wall_ms());
}

std::vector<SeriesPoint> HostedJob::series(std::int64_t since_wall_ms) const {
  MutexLock lock(mutex_);
  return series_.since(since_wall_ms);
}

}  // namespace slipstream::server
