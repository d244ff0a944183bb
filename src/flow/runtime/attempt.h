// One execution of a job: from its tasks' first slice to their end. A restart makes a new one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/timers.h"
#include "base/work_pool.h"
#include "flow/checkpoint/checkpoint_writer.h"
#include "flow/checkpoint/commit_worker.h"
#include "flow/checkpoint/ownership.h"
#include "flow/checkpoint/protocol.h"
#include "flow/checkpoint/store.h"
#include "flow/runtime.h"
#include "flow/runtime/discovery.h"
#include "flow/runtime/plan.h"
#include "flow/runtime/task.h"

namespace slipstream::flow {

// What the job remembers over attempts.
// Thread: the attempt's; between attempts the job's.
struct JobProgress {
  std::uint64_t completed_checkpoints = 0;
  CheckpointId last_checkpoint = 0;
  std::int64_t last_duration_ms = 0;
  std::deque<CheckpointReport> checkpoints;  // at most JobReport::kHistoryMax
  std::uint32_t crash_count = 0;             // checkpoints that count for crash_after_checkpoints
  std::uint32_t failures = 0;                // in a row, without a completed checkpoint between
  bool ever_ran = false;
  std::int64_t attempt_ended_ms = 0;  // wall time; 0 = this is the first of the process
};

// Coordinates by events, in a queue on the coordination pool; the time of the protocol is a timer. Its
// end, which waits for what it has begun, is on the pool of endings.
//
// Owner:   the job, which destroys it after `ended`, and not in there.
// Thread:  any; `progressed` comes from the queue, `ended` from the pool of endings.
// Failure: the first one ends the attempt; everything that it started has ended when `ended` is
//          called.
class Attempt final : public TaskListener {
 public:
  enum class End : std::uint8_t { kFinished, kStopped, kFailed, kCrashed, kCancelled };
  struct Outcome {
    End end = End::kFailed;
    Status cause;
  };
  struct Options {
    const Graph* graph = nullptr;
    const JobPlan* plan = nullptr;
    const EngineOptions* job = nullptr;
    Runtime* runtime = nullptr;
    std::string label;  // of its counters
    CheckpointStore* store = nullptr;
    DirectoryOwnership* ownership = nullptr;  // null without a directory
    MemoryBudget* budget = nullptr;
    Taps* taps = nullptr;
    RowAudit* audit = nullptr;
    JobProgress* progress = nullptr;
    std::uint32_t max_parallelism = 128;
    std::uint64_t token = 0;
    Notify notify;
    std::function<void(const JobProgress&)> progressed;
    std::function<void(Outcome)> ended;  // once, after start()
    // JobReport::publishing.
    // Thread: of a committer.
    std::function<void(std::string_view)> publishing;
  };

  explicit Attempt(Options options);
  ~Attempt() override;

  void start();
  void stop();
  void cancel();
  void fail(Status cause);
  // A checkpoint now. `begun` gets, on the queue, the least id that it can have; it is never called
  // when the attempt ends before.
  void checkpoint(std::function<void(CheckpointId)> begun);
  // Fills in tasks and edges; leaves the report as it is before there are tasks.
  void report(JobReport& report) const;

  void on_snapshot(TaskSnapshot snapshot) override;
  void on_ended(TaskId task) override;
  void on_failed(TaskId task, Status cause) override;

 private:
  using Event = std::function<void()>;

  void post(Event event);
  void begin_run();
  void start_snapshots();
  void tick();
  void build_tasks();
  Status start_commit_workers();
  void start_discovery();
  void make_protocol();
  void carry_out(CheckpointProtocol::Decisions decisions);
  void carry_out(Decision& decision);
  void begin(const Decision& decision);
  void request(const Decision& decision);
  void collect(StoredSnapshot snapshot);
  void refer_to_base(const StoredSnapshot::Addition& addition, CheckpointId base);
  std::uint32_t place_of(const StateFile& file);
  void store_manifest(const Decision& decision);
  void complete(const Decision& decision);
  void abort(const Decision& decision);
  void note(const Decision& decision);
  void forget(const Decision& decision);
  void settle(const Decision& decision);
  void send_to_sinks(const std::string& uid, const Control& control);
  void send_to_sources(const Control& control);
  void finish(End end, Status cause);
  void await_sources();
  // In `ending_`.
  void end();
  void tear_down();
  std::int64_t rows_read() const;  // by all sources
  bool crash_is_due();
  bool checkpointing() const;
  std::int64_t now() const { return options_.runtime->clock().now_ms(); }

  const Options options_;
  TaskEnvironment environment_;
  std::stop_source stop_source_;
  std::shared_ptr<CheckpointStorage> restore_storage_;
  std::unique_ptr<RestoredState> restored_;
  bool finishing_ = false;  // the restored checkpoint is the last one: only publish

  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::vector<Task*>> tasks_of_chain_;
  std::unique_ptr<CheckpointWriter> snapshots_;
  std::map<std::string, std::unique_ptr<CommitWorker>> commit_workers_;
  std::unique_ptr<Discovery> discovery_;
  std::optional<CheckpointProtocol> protocol_;
  Manifest building_;
  std::int64_t begun_ms_ = 0;
  std::int64_t building_rows_ = 0;  // input when the checkpoint in flight began
  // Input when a checkpoint last counted for crash_after_checkpoints.
  std::int64_t rows_counted_ = 0;
  std::optional<Outcome> outcome_;
  std::atomic<std::uint64_t> epoch_files_{0};
  std::atomic<bool> tasks_built_{false};

  WorkQueue queue_;
  WorkQueue ending_;
  Timer timer_;  // of the protocol
};

}  // namespace slipstream::flow
