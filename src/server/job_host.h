// All jobs of one server.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/hosted_job.h"

namespace slipstream::server {

// Owner:  the server. shut_down() before it dies.
// Thread: any.
// Bounds: jobs_max jobs; the runtime's memory is shared by all of them and by queries.
class JobHost {
 public:
  static constexpr std::size_t kJobsMax = 1'000;

  // `registry` and `runtime` outlive it. Without `make_catalog` catalogs are empty. Reads the
  // records; nothing runs before resume().
  static Result<std::unique_ptr<JobHost>> open(const ConnectorRegistry& registry,
                                               flow::Runtime& runtime, const std::string& state_dir,
                                               MakeCatalog make_catalog = nullptr);
  ~JobHost();

  // Starts what ran when the last server ended, from the newest checkpoints, and samples all jobs
  // every JobSeries::kIntervalMs from here on.
  void resume();

  struct Submission {
    std::string name;
    std::string sql;
    std::map<std::string, std::string> settings;
    std::string checkpoint_dir;  // empty = the name
    StartOptions start;
  };
  // Compiles and starts it; of one that is refused nothing stays, if its record can be removed.
  std::optional<Refusal> submit(Submission submission);
  // Null when there is none of that name.
  std::shared_ptr<HostedJob> find(const std::string& name) const;
  std::vector<std::shared_ptr<HostedJob>> jobs() const;  // by name
  // Of a job that does not run: its record. Checkpoints stay.
  std::optional<Refusal> remove(const std::string& name);
  // All at once; returns when they have ended.
  void shut_down();
  // A second wish to end: without waiting for savepoints.
  // Thread: any, while shut_down() waits.
  void hurry();

  std::string metrics() const;
  const HostContext& context() const { return context_; }

 private:
  explicit JobHost(flow::Runtime& runtime);
  // In samples_.
  void sample();

  HostContext context_;
  std::unique_ptr<StateDirectory> state_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<HostedJob>> jobs_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;

  WorkQueue samples_;
  Timer sample_timer_;
};

}  // namespace slipstream::server
