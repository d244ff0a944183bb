// Wakes tasks at a time of Clock::now_ms().
#pragma once

#include <cstdint>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "flow/runtime/task_pool.h"

namespace slipstream::flow {

// Owner:  the attempt; stopped before the pool. Its thread sleeps until the earliest time, and for
// ever without one. Thread: arm() any. Bounds: one time per task.
class Timers {
 public:
  Timers(const Clock& clock, TaskPool& pool) : clock_(clock), pool_(pool) {}
  ~Timers() { stop(); }

  // Schedules `task` at or after `at_ms`; replaces its former time. The task looks at its own
  // timers then.
  void arm(Runnable& task, std::int64_t at_ms);
  void stop();

 private:
  void work();

  const Clock& clock_;
  TaskPool& pool_;
  Mutex mutex_;
  Condition changed_;
  std::set<std::pair<std::int64_t, Runnable*>> due_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::unordered_map<Runnable*, std::int64_t> armed_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::thread thread_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::flow
