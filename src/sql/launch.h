// Starting what a session has compiled: INSERTs as one job, a SELECT as a query.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/time_zone.h"
#include "flow/job.h"
#include "sql/session.h"

namespace slipstream::sql {

// What is said outside the script; it wins over the session's settings.
struct LaunchOptions {
  std::string name;            // empty = 'pipeline.name'
  std::string checkpoint_dir;  // empty = 'execution.checkpointing.dir'
  StartOptions start;
  bool from_command_line = false;                 // how errors name these: flow::EngineOptions'
  std::optional<std::size_t> changes_cost_bytes;  // tests: flow::EngineOptions'
};

// All plans as one job.
Result<std::unique_ptr<flow::Job>> start_inserts(const Session& session,
                                                 const std::vector<RelPtr>& plans,
                                                 const LaunchOptions& options, flow::Notify notify);

// One SELECT whose rows go to a consumer. Ends by itself at its LIMIT.
//
// Owner:  cancels what still runs when it dies.
// Thread: any.
class Query {
 public:
  // Thread: task. kCancelled: nobody reads on, the query ends without an error. May block; then
  // nothing is read from the sources.
  using Rows = std::function<Status(const Batch&)>;
  // Its checkpoints live in memory: a directory in `options` does not count.
  static Result<std::unique_ptr<Query>> start(const Session& session, RelPtr plan, Rows rows,
                                              const LaunchOptions& options, flow::Notify notify);
  ~Query();

  flow::Job* job();  // null: LIMIT 0, there is nothing to run
  // No error when the limit was reached, when the consumer went, or after cancel().
  Status wait();
  // Called once with what wait() answers: flow::Job::when_ended().
  void when_ended(std::function<void(const Status&)> ended);
  void cancel();

 private:
  struct State;
  explicit Query(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the job's graph
  std::unique_ptr<flow::Job> job_;
};

// 'table.local-time-zone' of the session.
Result<TimeZone> time_zone_of(const Session& session);

}  // namespace slipstream::sql
