// A job written in C++: its settings, its sources, and how it is run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/connectors.h"
#include "slipstream/options.h"
#include "slipstream/runtime.h"
#include "slipstream/status.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

struct JobSettings {
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
  std::string restore_from = {};     // explicit checkpoint or savepoint path
  bool fresh = false;                // ignore what is in checkpoint_dir
  bool allow_duplicates = false;     // fall back behind the newest checkpoint with an exactly-once
                                     // sink
  bool allow_dropped_state = false;  // the checkpoint has state of operators that are gone

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

  // A function of yours that has not returned for so long is named in a warning; 0 = never.
  std::chrono::milliseconds blocked_after{30'000};

  // Gets a line of text for each restore, failure and restart of the job; empty: not wanted. An
  // exception out of it ends the job.
  // Thread: any.
  std::function<void(std::string_view)> on_message = {};
};

struct OperatorReport {
  std::string name;  // "map-1 -> sink-1": operators that run in one task
  std::uint32_t subtask = 0;
  std::int64_t rows_in = 0;
  std::int64_t rows_out = 0;
  double busy_ms = 0;
  double idle_ms = 0;
  double backpressured_ms = 0;
  Timestamp watermark = kNoTimestamp;
};

// A function of the user that has not returned.
struct BlockedCall {
  std::string place;     // "operator 'count' [0]"
  std::string function;  // "process_element() of 'count'"
  std::chrono::milliseconds duration{0};
};

// What is known of a job at a moment.
struct JobStatus {
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
  std::vector<OperatorReport> operators;
  std::vector<BlockedCall> blocked;  // for longer than JobSettings::blocked_after
};

// A running job. The last copy of a handle cancels what still runs, and waits for it; one that was
// moved away answers errors.
// Thread: any.
class JobHandle {
 public:
  // Until the job finished, was stopped (ok), was cancelled (kCancelled) or failed for good.
  Status await();
  // nullopt = still running.
  std::optional<Status> wait_for(std::chrono::milliseconds limit);
  // A savepoint, then the end; both have happened when it returns. The next start with this
  // checkpoint_dir goes on from there. Without checkpointing: ends.
  Status stop();
  // The same without waiting: await() tells.
  void request_stop();
  // Ends as soon as possible, without a savepoint.
  void cancel();
  // A checkpoint now, whatever the interval; the job goes on. The id of one that began after the
  // call and is durable.
  Result<CheckpointId> savepoint(std::chrono::milliseconds limit = std::chrono::minutes(10));
  JobStatus report() const;
  // What tasks, connectors and functions count, in Prometheus' text form: the report of this job,
  // and the counters of all jobs of its runtime, labelled by job.
  std::string prometheus_text() const;

  class Impl;
  explicit JobHandle(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

// What a connector table has beyond its options.
struct TableDetails {
  std::string name = {};                             // for people; empty = the connector's
  std::map<std::string, std::string> metadata = {};  // column -> METADATA key of the connector
  std::vector<std::string> primary_key = {};
};

template <typename T>
class DataStream;
template <typename T>
class SplitSource;

// Builds one job. Streams belong to their environment and may be used as long as it lives; nothing
// runs before execute(). Mistakes (unknown connector, wrong option, a uid twice) are reported by
// execute(), all at once.
// Thread: one.
class Environment {
 public:
  // With the built-in connectors.
  explicit Environment(JobSettings settings = {})
      : Environment(std::move(settings), builtin_connectors()) {}
  Environment(JobSettings settings, std::shared_ptr<const ConnectorRegistry> connectors);

  JobSettings& settings() { return *settings_; }
  const JobSettings& settings() const { return *settings_; }

  // A bounded stream of these elements, in order.
  template <typename T>
  DataStream<T> from_elements(const std::vector<T>& elements);
  // A table of a connector: 'connector' = `connector`, options as in SQL's WITH.
  template <typename T>
  DataStream<T> from_connector(std::string connector, OptionMap options, TableDetails details = {});
  // A source of the connector contract whose rows are those of T.
  template <typename T>
  DataStream<T> from_source(std::shared_ptr<Source> source, std::string name = "source");
  // A SourceFunction<T>; or what adds itself to an environment, such as RocketMQSourceFunction<T>.
  template <typename F>
  DataStream<typename F::Out> add_source(F function, std::string name = "source");
  // A SplitSource<T>.
  template <typename F>
  DataStream<typename F::Out> add_split_source(F source, std::string name = "source");

  // Runs the job and waits for its end. The environment may be executed once.
  Status execute();
  // Starts it; an error when it cannot start.
  Result<JobHandle> execute_async();
  // The operators and what flows between them, one a line.
  Result<std::string> explain();

  // A copy means the same job; one that was moved from stays usable.
  Environment(const Environment&) = default;
  Environment& operator=(const Environment&) = default;

  const std::shared_ptr<erased::Plan>& plan() const { return plan_; }

 private:
  std::shared_ptr<JobSettings> settings_;
  std::shared_ptr<erased::Plan> plan_;
};

}  // namespace slipstream::stream
