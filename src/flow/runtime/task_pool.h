// A fixed set of threads that run tasks cooperatively.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace slipstream::flow {

// Something that runs in slices, on one thread at a time.
class Runnable {
 public:
  virtual ~Runnable() = default;
  enum class Next : std::uint8_t {
    kPark,   // nothing to do until someone schedules it; a schedule() during the slice is not lost
    kAgain,  // more to do: to the end of the ready queue
    kDone,   // never again
  };
  virtual Next run() = 0;

 private:
  friend class TaskPool;
  enum State : int { kIdle, kReady, kRunning, kRunningAgain, kDead };
  std::atomic<int> state_{kIdle};
};

// Owner:  the attempt; must be stopped before the tasks die.
// Thread: schedule() any.
// Bounds: a task is in the ready queue at most once.
class TaskPool {
 public:
  explicit TaskPool(std::size_t threads);
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  void schedule(Runnable& task);
  // No slice starts any more; returns when none is running. Idempotent.
  void stop();

 private:
  void work();
  void enqueue(Runnable& task);

  Mutex mutex_;
  Condition ready_changed_;
  std::deque<Runnable*> ready_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t sleepers_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// Schedules a task from callbacks that may outlive it: after detach() a wake does nothing.
// Thread: any.
class Waker {
 public:
  Waker(TaskPool& pool, Runnable& task) : pool_(&pool), task_(&task) {}
  void wake() {
    count_.fetch_add(1, std::memory_order_acq_rel);
    MutexLock lock(mutex_);
    if (task_ != nullptr) pool_->schedule(*task_);
  }
  void detach() {
    MutexLock lock(mutex_);
    task_ = nullptr;
  }
  std::uint64_t count() const { return count_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> count_{0};
  Mutex mutex_;
  TaskPool* pool_ SLIPSTREAM_GUARDED_BY(mutex_);
  Runnable* task_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::flow
