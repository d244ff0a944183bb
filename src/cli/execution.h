// Running what a session has compiled: inserts as one job, each SELECT as a query.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_command.h"
#include "flow/job.h"
#include "sql/launch.h"
#include "sql/session.h"

namespace slipstream::cli {

// One job at a time.
// Thread: signal() any; everything else the one that runs jobs.
class Execution {
 public:
  // Both outlive it.
  Execution(const RunArguments& arguments, sql::Session& session)
      : arguments_(arguments), session_(session) {}

  // Blocks until the job ended. All plans are one job. Says what it does, how far it is and what it
  // came to.
  Status run_inserts(const std::vector<sql::RelPtr>& plans);
  // Blocks until the query ended; its rows go to standard output. Returns how many there were.
  Result<std::int64_t> run_select(sql::RelPtr plan);
  // A job or a query has started: what failed did not fail beforehand.
  bool ever_started() const { return ever_started_; }

  // 1st: savepoint, then end. 2nd: end without. A query ends at the 1st. False = no job runs.
  bool signal(int count);
  bool stopped();  // signal() was called
  // What runs now, for /metrics; empty when nothing does.
  // Thread: any.
  std::string metrics();

 private:
  Result<sql::LaunchOptions> launch_options();
  void watch(flow::Job* job, sql::Query* query);
  // Waits for it with its progress shown. `bounded`: all that it reads ends by itself. `printed`:
  // rows that a query has printed; null for other jobs.
  Status follow(flow::Job& job, bool bounded, const std::atomic<std::int64_t>* printed,
                const std::function<Status()>& wait);

  const RunArguments& arguments_;
  sql::Session& session_;
  std::mutex mutex_;
  flow::Job* job_ = nullptr;
  sql::Query* query_ = nullptr;  // job_ is its
  std::string job_name_;
  int signals_ = 0;
  bool ever_started_ = false;
};

// Sets what --set gives; says which keys have no effect. kInvalidArgument: the first that is wrong.
Status apply_settings(sql::Session& session,
                      const std::vector<std::pair<std::string, std::string>>& settings);

// A message, or the rows of SHOW and DESCRIBE, on standard output.
Status show_step(const sql::Step& step);

}  // namespace slipstream::cli
