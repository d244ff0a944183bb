#include "sql/launch.h"

#include <utility>

#include "base/mutex.h"
#include "base/try.h"
#include "sql/settings/session_options.h"

namespace slipstream::sql {
namespace {

Result<flow::EngineOptions> engine_options(const Session& session, const LaunchOptions& options) {
  TRY_ASSIGN(flow::EngineOptions job, session.job_options());
  if (!options.name.empty()) job.name = options.name;
  if (!options.checkpoint_dir.empty()) job.checkpoint_dir = options.checkpoint_dir;
  job.start = options.start;
  job.from_command_line = options.from_command_line;
  TRY_ASSIGN(const Options settings, session_options().parse(session.settings(), "SET"));
  job.audit_checksums = settings[session_option::kAudit];
  job.changes_cost_bytes = options.changes_cost_bytes.value_or(job.changes_cost_bytes);
  return job;
}

}  // namespace

Result<std::unique_ptr<flow::Job>> start_inserts(const Session& session,
                                                 const std::vector<RelPtr>& plans,
                                                 const LaunchOptions& options,
                                                 flow::Notify notify) {
  TRY_ASSIGN(flow::Graph graph, session.graph(plans, {}));
  TRY_ASSIGN(flow::EngineOptions job, engine_options(session, options));
  return flow::Job::start(session.runtime(), std::move(graph), std::move(job), std::move(notify));
}

struct Query::State {
  Rows rows;
  std::int64_t limit = -1;
  std::int64_t given = 0;  // task thread

  Mutex mutex;
  flow::Job* running SLIPSTREAM_GUARDED_BY(mutex) = nullptr;
  bool done SLIPSTREAM_GUARDED_BY(mutex) = false;

  void set_running(flow::Job* job) {
    MutexLock lock(mutex);
    running = job;
    if (done && running != nullptr) running->cancel();
  }
  void end() {
    MutexLock lock(mutex);
    done = true;
    if (running != nullptr) running->cancel();
  }
  bool is_done() {
    MutexLock lock(mutex);
    return done;
  }
  // Of the query whose job ended like this.
  Status end_of(const Status& status) {
    return is_done() && !status.ok() && status.error().code == ErrorCode::kCancelled ? Status()
                                                                                     : status;
  }
  Status take(const Batch& batch) {
    if (is_done()) return {};
    const auto count = static_cast<std::int64_t>(batch.rows());
    const bool last = limit >= 0 && given + count >= limit;
    Status taken = last && given + count > limit
                       ? rows(slice(batch, 0, static_cast<std::size_t>(limit - given)))
                       : rows(batch);
    given += count;
    const bool gone = !taken.ok() && taken.error().code == ErrorCode::kCancelled;
    if (last || gone) end();
    return gone ? Status() : taken;
  }
};

Query::Query(std::shared_ptr<State> state) : state_(std::move(state)) {}

Query::~Query() { state_->set_running(nullptr); }

Result<std::unique_ptr<Query>> Query::start(const Session& session, RelPtr plan, Rows rows,
                                            const LaunchOptions& options, flow::Notify notify) {
  const auto state = std::make_shared<State>();
  state->rows = std::move(rows);
  state->limit = plan->limit;
  std::unique_ptr<Query> query(new Query(state));
  if (state->limit != 0) {
    flow::CollectSpec collect;
    collect.rows = [state](const Batch& batch) { return state->take(batch); };
    std::vector<RelPtr> plans;
    plans.push_back(std::move(plan));
    TRY_ASSIGN(flow::Graph graph, session.graph(plans, collect));
    TRY_ASSIGN(flow::EngineOptions job, engine_options(session, options));
    job.checkpoint_dir.clear();
    TRY_ASSIGN(query->job_, flow::Job::start(session.runtime(), std::move(graph), std::move(job),
                                             std::move(notify)));
    state->set_running(query->job_.get());
  }
  return query;
}

flow::Job* Query::job() { return job_.get(); }

Status Query::wait() {
  if (job_ == nullptr) return {};
  return state_->end_of(job_->wait());
}

void Query::when_ended(std::function<void(const Status&)> ended) {
  if (job_ == nullptr) return ended({});
  job_->when_ended([state = state_, ended = std::move(ended)](const Status& status) {
    ended(state->end_of(status));
  });
}

void Query::cancel() { state_->end(); }

Result<TimeZone> time_zone_of(const Session& session) {
  const auto setting = session.settings().find(session_option::kTimeZone.name);
  if (setting == session.settings().end()) return TimeZone();
  return TimeZone::from_name(setting->second);
}

}  // namespace slipstream::sql
