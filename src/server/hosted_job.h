// One job of the server: started, watched, stopped and started again.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/connector.h"

#include "base/mutex.h"
#include "base/retry.h"
#include "base/timers.h"
#include "base/work_pool.h"
#include "data/text/time_zone.h"
#include "flow/job.h"
#include "flow/row_audit.h"
#include "flow/runtime.h"
#include "flow/taps.h"
#include "server/job_record.h"
#include "server/job_series.h"
#include "sql/catalog/memory_catalog.h"
#include "sql/parse/diagnostic.h"
#include "sql/session.h"

namespace slipstream::server {

// Why a request was refused.
struct Refusal {
  enum class Reason : std::uint8_t {
    kInvalid,      // it can never be done as it was asked for
    kNotFound,     // there is no such job
    kConflict,     // it makes no sense in the state that things are in
    kTimeout,      // it took too long
    kUnavailable,  // the server cannot do it now: a full disk, a broker that is away, its end
    kInternal,     // a fault of the server
  };
  Reason reason = Reason::kInvalid;
  std::string message;
  std::string fix;
  std::vector<sql::Diagnostic> diagnostics;  // with places in `script`
  std::string script;

  static Refusal because(Reason reason, std::string message, std::string fix = "") {
    return {reason, std::move(message), std::move(fix), {}, ""};
  }
  // The reason is that of the error.
  static Refusal of(const Error& error);
};

enum class JobState : std::uint8_t {
  kStarting,
  kRunning,
  kRestarting,
  kStopping,
  kFinished,   // all input was read
  kStopped,    // on request, with a savepoint
  kCancelled,  // on request, without
  kFailed,
};
const char* name_of(JobState state);

// What a script finds without CREATE TABLE: a catalog of its own for each.
// Thread: any.
using MakeCatalog = std::function<std::unique_ptr<sql::Catalog>()>;

// What all jobs of a server share; outlives them.
struct HostContext {
  const ConnectorRegistry* registry = nullptr;
  flow::Runtime* runtime = nullptr;
  StateDirectory* state = nullptr;
  MakeCatalog make_catalog = [] { return std::make_unique<sql::MemoryCatalog>(); };
};

// Owner:  the host.
// Thread: any.
// Bounds: no thread of its own; the last kEventsMax messages of the job, and its JobSeries.
// Failure: a retryable error of a start that nobody waits for is tried again until stop() or
//          cancel(); everything else ends the run and is kept in the record.
class HostedJob {
 public:
  static constexpr std::size_t kEventsMax = 50;

  struct Event {
    std::int64_t at_ms = 0;
    std::string text;
  };
  struct View {
    JobRecord record;
    JobState state = JobState::kStarting;
    std::int64_t started_ms = 0;  // of this run; 0 = it was not run since the server is up
    std::string error;
    std::vector<Event> events;
    JobReport report;  // of this run, or of the last one since the server is up
  };

  HostedJob(const HostContext& context, JobRecord record);
  ~HostedJob();  // waits for the end of the run: cancel() or leave() first

  // Compiles and starts; answers when the job runs or is refused. The record is saved before.
  std::optional<Refusal> start(const StartOptions& options);
  // The same later, on the runtime: when the server comes up.
  void resume();

  // What they ask for may come later; kConflict when it makes no sense now.
  std::optional<Refusal> stop();
  std::optional<Refusal> cancel();
  // Stops with a savepoint when it runs, then starts.
  std::optional<Refusal> restart(const StartOptions& options);
  // Of one that does not run: its record goes, and it never runs again.
  std::optional<Refusal> remove();
  // A checkpoint that stays until somebody removes it; answers its path.
  struct Savepoint {
    CheckpointId id = 0;
    std::string path;
  };
  std::optional<Refusal> savepoint(std::chrono::milliseconds limit, Savepoint* out);
  // The server ends: savepoint (or not), and the next server goes on with it.
  void leave(bool with_savepoint);
  void await_end();

  // What its operators emit, and the time zone of its script.
  struct Tapped {
    std::shared_ptr<flow::Taps> taps;
    TimeZone zone;
  };
  std::optional<Refusal> tap(Tapped* out) const;
  // What its operators emitted and took in this run, or in the last one since the server is up.
  std::optional<Refusal> audit(flow::RowAudit::Report* out) const;

  bool is_active() const;
  View view() const;
  JobReport report() const;
  // A point of its series, while it runs.
  void sample();
  std::vector<SeriesPoint> series(std::int64_t since_wall_ms) const;

 private:
  struct Run;
  enum class End : std::uint8_t { kNone, kStop, kCancel, kLeave, kLeaveAtOnce };

  // Null: *refusal says why, *retryable whether it may work later.
  std::shared_ptr<Run> launch(const StartOptions& options, Refusal* refusal, bool* retryable);
  std::optional<Refusal> begin();
  void follow(flow::Job& job);
  // In the queue: what waits to be started is started when it is time, or given up.
  void start_waiting();
  // In launches_: may wait for a peer.
  void launch_waiting();
  // In the queue. Null: `refusal` says why.
  void launched(const std::shared_ptr<Run>& run, const Refusal& refusal, bool retryable);
  void ended(const Status& status);
  // Takes the next start from again_; nullopt: the job has ended.
  std::optional<StartOptions> finish(const Status& status);
  void notify(std::string_view text);
  Status save() SLIPSTREAM_REQUIRES(mutex_);  // a failure is logged too
  JobState state() const SLIPSTREAM_REQUIRES(mutex_);
  std::optional<Refusal> end_run(End end);
  // As end_ says.
  void request_end(flow::Job& job) SLIPSTREAM_REQUIRES(mutex_);

  const HostContext& context_;
  const Clock& clock_;
  mutable Mutex mutex_;
  Condition changed_;
  JobRecord record_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::shared_ptr<Run> run_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool active_ SLIPSTREAM_GUARDED_BY(mutex_) = false;  // from begin() to finish()
  bool removed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  End end_ SLIPSTREAM_GUARDED_BY(mutex_) = End::kNone;
  std::optional<StartOptions> again_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::int64_t started_ms_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::string start_error_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::deque<Event> events_ SLIPSTREAM_GUARDED_BY(mutex_);
  JobReport last_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::shared_ptr<const flow::RowAudit> last_audit_ SLIPSTREAM_GUARDED_BY(mutex_);
  JobSeries series_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::optional<StartOptions> launch_ SLIPSTREAM_GUARDED_BY(mutex_);  // waits for a thread
  bool launching_ SLIPSTREAM_GUARDED_BY(mutex_) = false;              // until launched()

  // In the queue only.
  std::optional<StartOptions> waiting_;  // to be started at next_start_ms_
  std::int64_t next_start_ms_ = 0;
  std::optional<Retry> retry_;

  // A start may wait for peers that are away, with many others; what ends a job does not.
  WorkQueue launches_;
  WorkQueue queue_;
  Timer timer_;
};

}  // namespace slipstream::server
