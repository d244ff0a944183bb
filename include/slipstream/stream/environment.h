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
#include "slipstream/job.h"
#include "slipstream/options.h"
#include "slipstream/status.h"
#include "slipstream/stream/operator.h"

namespace slipstream::stream {

// A function of the user that has not returned.
struct BlockedCall {
  std::string place;     // "operator 'count' [0]"
  std::string function;  // "process_element() of 'count'"
  std::chrono::milliseconds duration{0};
};

// What is known of a job at a moment.
struct JobStatus : JobReport {
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

  const std::shared_ptr<erased::StreamPlan>& plan() const { return plan_; }

 private:
  std::shared_ptr<JobSettings> settings_;
  std::shared_ptr<erased::StreamPlan> plan_;
};

}  // namespace slipstream::stream
