// Threads on which functions of the user run, so that they may block without holding up the loop. Not
// base/work_pool.h: that one takes everything and runs it to the end, this one refuses and drops.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace slipstream::rocketmq::internal {

// Owner:   whoever was given the user's functions.
// Thread:  any but those of the pool, save for run().
// Bounds:  `threads` threads; `waiting_max` functions that have not begun.
// Failure: an exception out of a function is logged.
class CallbackPool {
 public:
  // `name` is what `ps -T` shows (at most 15 characters), and what is logged.
  CallbackPool(std::string name, int threads, std::size_t waiting_max);
  ~CallbackPool();
  CallbackPool(const CallbackPool&) = delete;
  CallbackPool& operator=(const CallbackPool&) = delete;

  // False when it is full or closed: the function will not run.
  bool run(std::function<void()> work);
  // Waits for those that run and drops those that wait. Idempotent; the destructor calls it.
  void close();

 private:
  void work();

  const std::string name_;
  const std::size_t waiting_max_;
  Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> waiting_ SLIPSTREAM_GUARDED_BY(mutex_);
  bool closed_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace slipstream::rocketmq::internal
