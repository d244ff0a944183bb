// A fixed number of threads that run tasks cooperatively.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "slipstream/status.h"

#include "base/mutex.h"

namespace slipstream::flow {

// Something that runs in slices, on one thread at a time.
class Runnable {
 public:
  virtual ~Runnable() = default;
  enum class Next : std::uint8_t {
    kPark,   // nothing to do until someone schedules it; a schedule() during the slice is not lost
    kYield,  // more to do: to the end of the ready queue
    kDone,   // never again
  };
  virtual Next run() = 0;

 private:
  friend class TaskPool;
  enum State : int { kIdle, kReady, kRunning, kRunningAgain, kRetiring, kDead };
  std::atomic<int> state_{kIdle};
};

// Owner:  the runtime. A task is retired before it dies.
// Thread: schedule() any; retire() any but a worker.
// Bounds: a task is in the ready queue at most once. `cores` slices run at once; threads are made
//         when there are slices for them, and one more for each that waits (OutsideWait), up to
//         kWaitingMax.
// Failure: what the system gives no thread for is left to the threads that are there; start() sees
//          to it that there is one.
class TaskPool {
 public:
  static constexpr std::size_t kWaitingMax = 64;

  explicit TaskPool(std::size_t cores) : cores_(cores) {}
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // Makes the first thread, so that schedule() has one from here on.
  Status start();
  void schedule(Runnable& task);
  // Its slices are over: waits for the one that runs, and none starts any more.
  void retire(Runnable& task);

 private:
  friend class OutsideWait;
  void work();
  // The next slice, after the end of the one before; null: the thread ends.
  Runnable* next();
  void run_slice(Runnable& task);
  void enqueue(Runnable& task);
  void dead(Runnable& task);
  void call_thread() SLIPSTREAM_REQUIRES(mutex_);
  Status make_thread() SLIPSTREAM_REQUIRES(mutex_);
  void begin_wait();
  void end_wait();

  const std::size_t cores_;
  Mutex mutex_;
  Condition ready_changed_;
  Condition retired_;
  std::deque<Runnable*> ready_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::size_t sleepers_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::size_t awake_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // neither asleep nor in an OutsideWait
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// A task that waits for something outside of the job (a client that reads rows) lives through this
// meanwhile: its pool runs the tasks of other jobs on another thread. Nothing on other threads.
class OutsideWait {
 public:
  OutsideWait();
  ~OutsideWait();
  OutsideWait(const OutsideWait&) = delete;
  OutsideWait& operator=(const OutsideWait&) = delete;

 private:
  TaskPool* const pool_;
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
