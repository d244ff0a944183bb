// What all jobs of a process run on.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "slipstream/runtime.h"

#include "base/clock.h"
#include "base/metric_store.h"
#include "base/mutex.h"
#include "base/timers.h"
#include "base/work_pool.h"

namespace slipstream::flow {

class MemoryBudget;
class TaskPool;

// How many threads the pools of a Runtime may have.
struct RuntimePools {
  WorkPool::Options coordination{.threads = 4, .threads_max = 64};
  // As many as peers that are away may hold at a time; the rest waits.
  WorkPool::Options blocking{.threads = 8, .threads_max = 256};
  // As many as jobs whose own code does not come to an end.
  WorkPool::Options endings{.threads = 4, .threads_max = 256};
};

// Owner:  main(), or whoever starts the first job; outlives all jobs.
// Thread: any.
// Bounds: `cores` threads for operators (and one for each that waits for a client), one for timers,
//         and three pools whose threads come and go with the work, but for the last one of each.
class Runtime {
 public:
  explicit Runtime(const RuntimeOptions& options = {}, const RuntimePools& pools = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Makes the first threads of all, so that what a job hands over has one from here on. Idempotent.
  Status start();

  const Clock& clock() const { return *clock_; }
  std::size_t cores() const { return cores_; }
  TaskPool& tasks() { return *tasks_; }
  Timers& timers() { return timers_; }
  // Work that waits for the disk: coordinators, checkpoints, leases. So it comes on while all peers
  // are away and while many jobs end.
  WorkPool& coordination() { return coordination_; }
  // Work that may wait for a peer for as long as that is away: opening, discovery, publishing.
  WorkPool& blocking() { return blocking_; }
  // Work that waits until what its own job has begun has come to an end.
  WorkPool& endings() { return endings_; }
  MetricStore& metrics() { return metrics_; }
  const MetricStore& metrics() const { return metrics_; }
  // Of all jobs; null = each has its own.
  const std::shared_ptr<MemoryBudget>& memory() const { return memory_; }

  // By what name the counters of a job are told apart, for as long as this lives: its own, or
  // "NAME#2" while another job of that name runs.
  class JobLabel {
   public:
    JobLabel(Runtime& runtime, const std::string& name);
    ~JobLabel();
    JobLabel(const JobLabel&) = delete;
    JobLabel& operator=(const JobLabel&) = delete;
    const std::string& text() const { return text_; }

   private:
    Runtime& runtime_;
    std::string text_;
  };

 private:
  const SystemClock system_clock_;
  const Clock* const clock_;
  const std::size_t cores_;
  const std::shared_ptr<MemoryBudget> memory_;
  MetricStore metrics_;
  Mutex mutex_;
  std::set<std::string> labels_ SLIPSTREAM_GUARDED_BY(mutex_);
  // In this order, so that who gives work ends before who takes it.
  const std::unique_ptr<TaskPool> tasks_;
  WorkPool endings_;
  WorkPool coordination_;
  WorkPool blocking_;
  Timers timers_;
};

}  // namespace slipstream::flow
