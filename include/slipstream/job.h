// How a job runs, how it starts, and what is known of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/connector/table.h"
#include "slipstream/runtime.h"

namespace slipstream {

// How a start differs from "go on from the newest checkpoint in checkpoint_dir".
struct StartOptions {
  std::string restore_from = {};  // a checkpoint or savepoint, by its path
  bool fresh = false;             // ignore what is in checkpoint_dir
  // Fall back behind the newest checkpoint with an exactly-once sink.
  bool allow_duplicates = false;
  // The checkpoint has state of operators that are gone.
  bool allow_dropped_state = false;
};

struct JobOptions {
  // Counters are labelled by it. While two jobs of one name run on one runtime, the later one is
  // "NAME#2" there.
  std::string name = "job";
  std::uint32_t parallelism = 1;  // of operators that say nothing; 0 = number of cores
  // Key groups: the most that a keyed operator can be spread over. Fixed by the first checkpoint.
  std::uint32_t max_parallelism = 128;

  // Empty = checkpoints live in memory of the process only: they survive failures of tasks.
  std::string checkpoint_dir = {};
  std::chrono::milliseconds checkpoint_interval{10'000};  // 0 = off: a failure ends the job
  std::chrono::milliseconds checkpoint_timeout{600'000};
  std::uint32_t retained_checkpoints = 3;
  // Periodic ones write what changed and refer to files of older ones for the rest.
  bool incremental_checkpoints = true;
  StartOptions start = {};

  // Restart after a failure, from the last checkpoint: so many times in a row without a checkpoint
  // between.
  std::uint32_t restart_attempts = 10;
  std::chrono::milliseconds restart_delay{200};  // doubled each time
  std::chrono::milliseconds restart_delay_max{30'000};

  std::size_t memory_bytes = std::size_t{1} << 30;  // where the runtime has no budget
  std::size_t batch_rows = kBatchRows;
  std::chrono::milliseconds watermark_interval{200};  // how often custom generators are asked

  // What it runs on. Give one to several jobs of a process; null = one of its own.
  std::shared_ptr<flow::Runtime> runtime = {};

  // DataStream: a function of yours that has not returned for so long is named in a warning; 0 =
  // never.
  std::chrono::milliseconds blocked_after{30'000};
  // Gets a line of text for each restore, failure and restart of the job; empty: not wanted. An
  // exception out of it ends the job.
  // Thread: any.
  std::function<void(std::string_view)> on_message = {};
};

// How rows go from the tasks of one operator to those of the next.
enum class Partitioning : std::uint8_t {
  kForward,    // same subtask; chained when both sides have one parallelism and one edge
  kHash,       // by key columns -> key group -> subtask
  kRebalance,  // round robin by batch
  kBroadcast,  // every subtask gets every batch
  kSingle,     // all to subtask 0
};

// How far a source has read one of its splits, in the split's own unit (messages, bytes).
struct SplitReport {
  std::string id;
  std::int64_t position = -1;  // of what is read next; -1 = unknown
  std::int64_t end = -1;       // of what there is, or of the bound; -1 = unknown
  std::int64_t lag = 0;
};

// One of the parallel tasks of a vertex.
struct TaskReport {
  std::string name;        // "map-1 -> sink-1"
  std::size_t vertex = 0;  // index into JobReport::vertices
  std::uint32_t subtask = 0;
  std::int64_t rows_in = 0;
  std::int64_t rows_out = 0;      // with a sink at its end: what the sink took
  std::int64_t rows_written = 0;  // by the sink at its end; 0 without one
  double busy_ms = 0;
  double idle_ms = 0;
  double backpressured_ms = 0;
  // Event time that it has reached, milliseconds since 1970; the least value = none yet.
  std::int64_t watermark = std::numeric_limits<std::int64_t>::min();
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
  std::size_t queued_bytes_max = 0;  // of all its queues; a producer may pass it by one batch
  std::int64_t watermark =
      std::numeric_limits<std::int64_t>::min();  // least of the producing tasks
};

// A checkpoint that was completed or given up.
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

// What is known of a job at a moment.
struct JobReport {
  static constexpr std::size_t kHistoryMax = 20;

  enum class State : std::uint8_t {
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

}  // namespace slipstream
