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

#include "slipstream/status.h"

#include "flow/graph.h"

namespace slipstream::flow {

class Runtime;

struct JobOptions {
  std::string name = "job";
  std::uint32_t parallelism = 0;  // 0 = number of cores
  std::uint32_t max_parallelism = 128;
  std::size_t batch_rows = kBatchRows;

  std::string checkpoint_dir;  // empty = checkpoints live in memory of the process only
  std::chrono::milliseconds checkpoint_interval{10'000};  // 0 = off
  std::chrono::milliseconds checkpoint_timeout{600'000};
  std::uint32_t retained_checkpoints = 3;
  // Periodic checkpoints write what changed and refer to files of older ones for the rest.
  bool incremental_checkpoints = true;
  // What a file of changes is taken to cost in the manifest of each later checkpoint, per key
  // group: small state is rather written whole. 0: changes only whenever there is a base (tests).
  std::size_t changes_cost_bytes = 32;
  std::string restore_from;  // explicit checkpoint or savepoint path
  bool fresh = false;        // ignore what is in checkpoint_dir
  bool allow_duplicates =
      false;  // fall back behind the newest checkpoint with an exactly-once sink
  bool allow_dropped_state = false;
  // Who reads the errors started the job on the command line: they say --allow-duplicates there,
  // and 'allow_duplicates', the name of the field, elsewhere.
  bool from_command_line = false;

  std::uint32_t restart_attempts =
      10;  // in a row without a completed checkpoint between; then the job fails
  std::chrono::milliseconds restart_delay{200};  // doubled each time
  std::chrono::milliseconds restart_delay_max{30'000};

  std::size_t memory_bytes = std::size_t{1} << 30;    // the job's, where the runtime has no budget
  std::size_t exchange_bytes = std::size_t{4} << 20;  // bound of one exchange queue
  std::chrono::milliseconds watermark_interval{200};

  // Tests: drop the job as if killed (no flush, no commit, no restart; wait() answers kCancelled)
  // right after this many completed checkpoints, counting those that cover new input only, so that
  // starting it again and again ends; 0 = never.
  std::uint32_t crash_after_checkpoints = 0;
};

// How an error names a field of the options.
std::string option_name(const JobOptions& options, std::string_view field);

// How far a source has read one of its splits, in the split's own unit (messages, bytes).
struct SplitReport {
  std::string id;
  std::int64_t position = -1;  // of what is read next; -1 = unknown
  std::int64_t end = -1;       // of what there is, or of the bound; -1 = unknown
  std::int64_t lag = 0;
};

struct TaskReport {
  std::string name;
  std::size_t vertex = 0;  // index into JobReport::vertices
  std::uint32_t subtask = 0;
  std::int64_t rows_in = 0, rows_out = 0;  // with a sink at its end: rows_out = rows written
  double busy_ms = 0, idle_ms = 0, backpressured_ms = 0;
  EventTime watermark = kMinWatermark;
  std::vector<SplitReport> splits;  // of a source that knows positions
};

// Operators that run together in each of `parallelism` tasks.
struct VertexReport {
  std::string name;
  std::uint32_t parallelism = 1;
};

// All exchanges from the tasks of one vertex to those of another.
struct EdgeReport {
  std::size_t from = 0;  // indices into JobReport::vertices
  std::size_t to = 0;
  Partitioning partitioning = Partitioning::kForward;
  std::int64_t rows = 0;  // since the attempt began
  std::size_t queued_bytes = 0;
  std::size_t queued_bytes_max = 0;     // of all its queues; a producer may pass it by one batch
  EventTime watermark = kMinWatermark;  // least of the producing tasks
};

struct CheckpointReport {
  enum class Kind : std::uint8_t { kCheckpoint, kSavepoint, kFinal };
  CheckpointId id = 0;
  Kind kind = Kind::kCheckpoint;
  bool completed = false;
  std::int64_t begun_ms = 0;  // wall time
  std::chrono::milliseconds duration{0};
  std::uint64_t state_bytes = 0;    // of all state that it refers to
  std::uint64_t written_bytes = 0;  // of the file that it added
  std::uint64_t epoch_bytes = 0;    // sealed rows that wait to be published
  std::string why;                  // it was given up
};

struct FailureReport {
  std::int64_t at_ms = 0;  // wall time
  std::string what;
};

struct JobReport {
  static constexpr std::size_t kHistoryMax = 20;

  enum class State {
    kStarting,
    kRunning,
    kRestarting,
    kStopping,
    kFinished,
    kFailed
  } state = State::kStarting;
  std::uint64_t completed_checkpoints = 0;
  CheckpointId last_checkpoint = 0;
  std::chrono::milliseconds last_checkpoint_duration{0};
  std::uint64_t restarts = 0;
  std::string last_error;
  // Of the state that the current attempt goes on from: in its checkpoint, and what operators have
  // read of it so far. Equal when nothing is left to be read.
  std::uint64_t restore_bytes = 0, restored_bytes = 0;
  // What an exactly-once sink said last while it had to wait or to look through its output; empty:
  // it does neither.
  std::string publishing;
  // Of attempts before the one that `tasks` shows.
  std::int64_t earlier_rows_read = 0, earlier_rows_written = 0;
  std::vector<VertexReport> vertices;         // in the order of the graph
  std::vector<TaskReport> tasks;              // of the current or the last attempt
  std::vector<EdgeReport> edges;              // likewise
  std::vector<CheckpointReport> checkpoints;  // the last kHistoryMax of this process, newest last
  std::vector<FailureReport> failures;        // likewise
};

// What the first tasks took, and what the last ones wrote, of all attempts.
std::int64_t rows_read(const JobReport& report);
std::int64_t rows_written(const JobReport& report);

// Reports by job name in Prometheus' text form: rows and time of each task, rows and fill of each
// edge, checkpoints, restarts.
std::string prometheus_text(const std::vector<std::pair<std::string, JobReport>>& jobs);
std::string prometheus_text(const JobReport& report, const std::string& job);

// A running job.
// Thread: any.
class Job {
 public:
  // Refuses what cannot work: a guarantee without a checkpoint directory, state that would be
  // dropped, a directory owned by another process.
  // `runtime` outlives the job.
  static Result<std::unique_ptr<Job>> start(Runtime& runtime, Graph graph, JobOptions options,
                                            std::function<void(std::string_view)> say);
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
  // The value of `job` in its metrics: its name, or "NAME#2" while another one of that name runs.
  const std::string& label() const;

  class Impl;

 private:
  explicit Job(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipstream::flow
