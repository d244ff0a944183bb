// What the jobs of a process share.
#pragma once

#include <cstddef>
#include <memory>

#include "slipstream/clock.h"

namespace slipstream {

namespace flow {
class Runtime;
}  // namespace flow

struct RuntimeOptions {
  // Threads that run operators, of all jobs together; 0 = one per core. A function that waits holds
  // one of them, so the other jobs have one less.
  std::size_t cores = 0;
  // What all jobs together may use; 0 = each job has a budget of its own.
  std::size_t memory_bytes = 0;
  // By which timers, time-outs and back-offs go; outlives the runtime. Null = the system's.
  const Clock* clock = nullptr;
};

// Threads, timers, memory and counters for any number of jobs: give it to all of them, and a small
// job costs no thread. It goes with the last of those who hold it.
std::shared_ptr<flow::Runtime> make_runtime(RuntimeOptions options = {});

}  // namespace slipstream
