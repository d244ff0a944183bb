// One subtask of a chain of operators.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metric_store.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "base/work_pool.h"
#include "flow/checkpoint/restored_state.h"
#include "flow/checkpoint/snapshot.h"
#include "flow/event_time/channel_watermarks.h"
#include "flow/event_time/idle_signal.h"
#include "flow/graph.h"
#include "flow/job.h"
#include "flow/runtime/gate.h"
#include "flow/runtime/memory_budget.h"
#include "flow/runtime/stage.h"
#include "flow/runtime/task_pool.h"

namespace slipstream::flow {

// What tasks report to the coordinator.
// Thread: any; must not block.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  virtual void on_snapshot(TaskSnapshot snapshot) = 0;
  virtual void on_ended(TaskId task) = 0;
  virtual void on_failed(TaskId task, Status cause) = 0;
};

// What all tasks of one attempt share; outlives them.
struct TaskEnvironment {
  const EngineOptions* options = nullptr;
  std::string job_label;  // how its counters are told from those of other jobs
  const Clock* clock = nullptr;
  TaskPool* pool = nullptr;
  Timers* timers = nullptr;
  WorkPool* blocking = nullptr;  // where tasks open what they consist of
  MemoryBudget* budget = nullptr;
  TaskListener* listener = nullptr;
  MetricStore* metrics = nullptr;
  Taps* taps = nullptr;
  RowAudit* audit = nullptr;
  const RestoredState* restored = nullptr;  // null = fresh start
  std::function<std::unique_ptr<EpochLog>(std::uint32_t subtask)> make_epoch_file;
  std::uint32_t max_parallelism = 128;
  std::uint64_t attempt_token = 0;
  std::stop_token stop;
  // When a task of the attempt made its newest watermark, by now_ms() of the clock; 0 = not yet.
  std::atomic<std::int64_t> watermark_sent_ms{0};
};

// What the coordinator sends a task.
struct Control {
  enum class Kind : std::uint8_t {
    kTrigger,   // source: take a snapshot and send the barrier; ended task: take a snapshot
    kSplits,    // source: assigned splits; `complete`: there will be no more
    kComplete,  // source: a checkpoint became durable
    kAborted,   // sink: a checkpoint was given up
    kBacklog,   // sink: `flag` = epochs wait to be published, bound the running one
  };
  Kind kind = Kind::kTrigger;
  Barrier barrier;
  std::vector<SplitState> splits;
  bool flag = false;
};

class SourceHead;
class SinkOperator;

// Owner:   the attempt; stop() before it dies.
// Thread:  run() one worker at a time; send(), report() any; start(), stop() the owner.
// Failure: the first error or exception is reported once and ends the task.
class Task final : public Runnable {
 public:
  struct Options {
    TaskId id = 0;
    std::vector<const Node*> chain;  // at least one
    std::uint32_t subtask = 0;
    std::uint32_t parallelism = 1;
    bool restored = false;  // source: splits carry offsets of a checkpoint
  };
  Task(Options options, TaskEnvironment& environment);
  ~Task() override;

  // Wiring, before the first schedule().
  void set_gate(std::unique_ptr<Gate> gate) { gate_ = std::move(gate); }
  Gate* gate() { return gate_.get(); }
  const Gate* gate() const { return gate_.get(); }
  void add_edge(std::size_t chain_index, Edge edge) {
    edges_.emplace_back(chain_index, std::move(edge));
  }

  // Opens what it consists of, where that may wait for a peer; then its slices begin.
  void start();
  // Its slices are over when this returns.
  void stop();
  Next run() override;
  void send(Control control);
  // Waits until everything sent so far was handled, up to a time of Clock::now_ms().
  // Thread: any but a worker.
  void await_controls(std::int64_t until_ms);
  TaskReport report() const;
  TaskId id() const { return options_.id; }
  const Node& head_node() const { return *options_.chain.front(); }
  const Node& tail_node() const { return *options_.chain.back(); }

 private:
  enum class Park : std::uint8_t { kNo, kIdle, kBackpressured };
  struct StageTimer {
    bool elapsed = false;  // by Clock::now_ms(), else by the wall clock
    std::optional<std::int64_t> at_ms;
    std::int64_t look_ms = 0;  // when to compare, by Clock::now_ms()
  };

  void open_first();
  void fail(const Status& status);
  Status open();
  Result<std::unique_ptr<Operator>> make_operator(const Node& node, const MetricLabels& labels);
  Status open_stage(std::size_t chain_index);
  std::function<void(std::int64_t)> wake_after() const;
  Result<Next> run_steps();
  // One thing done, or the reason why nothing can be.
  Result<Park> step();
  Park blocked();
  Status handle_controls();
  Status handle(Control& control);
  Result<Park> take_input();
  Result<Park> poll_source();
  Result<Park> take_element();
  Status align(std::size_t channel, Barrier barrier);
  void receive(std::size_t channel, const TimeSignal& signal);
  void advance_watermark();
  void end_channel(std::size_t channel);
  bool fire_timer();
  Status take_snapshot(Barrier barrier);
  Result<bool> finish_snapshot();
  void count_rows(CheckpointId checkpoint) const;
  Status continue_ending();
  Status chain_failure() const;
  void set_timer(std::size_t stage, std::int64_t at_ms);
  std::int64_t time_of(const StageTimer& timer) const;
  void plan(StageTimer& timer);
  void rearm();
  bool quiet() const;
  bool has_room() const;
  bool drive();
  void account_start();
  void account_park(Park why);
  KeyGroupRange key_groups() const;

  Options options_;
  TaskEnvironment& environment_;
  std::shared_ptr<Waker> waker_;
  std::unique_ptr<Gate> gate_;
  std::vector<std::pair<std::size_t, Edge>> edges_;  // until open()
  std::vector<std::unique_ptr<MemoryReservation>> reservations_;
  std::unique_ptr<SourceHead> source_;
  Port source_port_;
  std::vector<std::unique_ptr<Stage>> stages_;
  SinkOperator* sink_ = nullptr;  // the last stage's operator
  std::atomic<bool> opened_{false};
  std::atomic<bool> failed_{false};

  // Inputs.
  struct Channel {
    bool ended = false;
    bool aligned = false;
  };
  std::vector<Channel> channels_;
  std::vector<std::size_t> open_channels_;  // of each input
  std::size_t ended_channels_ = 0;
  std::size_t aligned_channels_ = 0;
  std::optional<ChannelWatermarks> watermarks_;  // with a gate
  IdleSignal idle_signal_;                       // to the chain
  std::optional<Barrier> aligning_;
  bool snapshot_due_ = false;              // aligned; taken as soon as the chain is quiet
  std::vector<std::size_t> ended_inputs_;  // end_input() still to be called

  // Snapshot in progress: the sink has not finished preparing.
  std::optional<TaskSnapshot> snapshot_;
  CheckpointId last_snapshot_ = 0;
  std::vector<Barrier> triggers_;  // not taken yet

  // End: stages [0, ending_) were told. nullopt = still running.
  std::optional<std::size_t> ending_;
  bool ended_ = false;
  bool stopped_ = false;  // source after a savepoint barrier

  std::vector<StageTimer> timers_;  // of each stage
  Timer timer_;                     // of the earliest
  std::int64_t armed_ms_ = 0;       // 0 = none

  Mutex controls_mutex_;
  Condition controls_handled_;
  std::vector<Control> controls_ SLIPSTREAM_GUARDED_BY(controls_mutex_);
  std::uint64_t sent_ SLIPSTREAM_GUARDED_BY(controls_mutex_) = 0;
  std::uint64_t handled_ SLIPSTREAM_GUARDED_BY(controls_mutex_) = 0;
  std::atomic<bool> has_controls_{false};

  // Times, nanoseconds.
  std::atomic<std::int64_t> busy_ns_{0}, idle_ns_{0}, backpressured_ns_{0};
  std::atomic<std::int64_t> since_ns_{0};  // of the current state
  std::atomic<Park> state_{Park::kIdle};   // kNo = running
  std::atomic<bool> report_ready_{false};  // stages_ are complete

  WorkQueue opening_;
};

}  // namespace slipstream::flow
