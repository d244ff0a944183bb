// Running a graph: start, watch, stop with a savepoint, restart after failure.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/job.h"
#include "slipstream/status.h"

#include "flow/graph.h"

namespace slipstream::flow {

class RowAudit;
class Runtime;
class Taps;

// How a job runs, and what only the engine itself says about it.
struct EngineOptions : JobOptions {
  EngineOptions() = default;
  EngineOptions(JobOptions options) : JobOptions(std::move(options)) {}  // NOLINT: it is one

  // Who reads the errors started the job on the command line: they say --allow-duplicates there,
  // and 'allow_duplicates', the name of the field, elsewhere.
  bool from_command_line = false;
  std::size_t exchange_bytes = std::size_t{4} << 20;  // bound of one exchange queue
  // What a file of changes is taken to cost in the manifest of each later checkpoint, per key
  // group: small state is rather written whole. 0: changes only whenever there is a base (tests).
  std::size_t changes_cost_bytes = 32;
  // Rows are hashed on both ends of each edge, so that its audit sees other rows in place of lost
  // ones.
  bool audit_checksums = false;
  // Tests: drop the job as if killed (no flush, no commit, no restart; wait() answers kCancelled)
  // right after this many completed checkpoints, counting those that cover new input only, so that
  // starting it again and again ends; 0 = never.
  std::uint32_t crash_after_checkpoints = 0;
};

// How an error names a field of the options.
std::string option_name(const EngineOptions& options, std::string_view field);

// What the first tasks took, and what the last ones wrote, of all attempts.
std::int64_t rows_read(const JobReport& report);
std::int64_t rows_written(const JobReport& report);

// Reports by job name in Prometheus' text form: rows and time of each task, rows and fill of each
// edge, checkpoints, restarts.
std::string prometheus_text(const std::vector<std::pair<std::string, JobReport>>& jobs);
std::string prometheus_text(const JobReport& report, const std::string& job);

// What a job has to say to people.
using Notify = std::function<void(std::string_view)>;

// A running job.
// Thread: any.
class Job {
 public:
  // Refuses what cannot work: a guarantee without a checkpoint directory, state that would be
  // dropped, a directory owned by another process.
  // `runtime` outlives the job.
  static Result<std::unique_ptr<Job>> start(Runtime& runtime, Graph graph, EngineOptions options,
                                            Notify notify);
  ~Job();  // cancels what still runs, and waits for its end

  // Blocks until the job finished (bounded: last epoch committed), was stopped, or failed for good.
  Status wait();
  // Like wait() with a limit; nullopt = still running.
  std::optional<Status> wait_for(std::chrono::milliseconds limit);
  // Called once with what wait() answers, at once when the job has ended already. Not the place to
  // destroy it.
  // Thread: the caller's or one of the runtime's, which it must not hold up.
  void when_ended(std::function<void(const Status&)> ended);
  // Savepoint, then end: SIGTERM. Without checkpointing: drains and ends. Idempotent.
  void stop_with_savepoint();
  // A checkpoint besides the periodic ones; the job goes on. Blocks until one that began after the
  // call is durable and answers its id; kTimeout after `limit`. Needs checkpointing.
  Result<CheckpointId> checkpoint(std::chrono::milliseconds limit);
  // Ends as soon as possible without a savepoint.
  void cancel();
  JobReport report() const;
  // What its operators emit (flow/taps.h).
  std::shared_ptr<Taps> taps() const;
  // What its operators emitted and took (flow/row_audit.h).
  std::shared_ptr<const RowAudit> audit() const;
  // The value of `job` in its metrics: its name, or "NAME#2" while another one of that name runs.
  const std::string& label() const;

  class Impl;

 private:
  explicit Job(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipstream::flow
