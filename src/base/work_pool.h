// Threads for work that may wait for a disk, a peer or another thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "slipstream/status.h"

#include "base/mutex.h"

namespace slipstream {

// Owner:  what outlives all work. The destructor runs what is left.
// Thread: any.
// Bounds: `threads_max` threads. Up to `threads` of them take work as soon as it comes; further ones
//         only work that has waited for `patience`, so that many short pieces at once make no
//         threads, and pieces that wait for long hold nobody up. A thread without work ends after
//         `idle`, but the last one stays. Waiting work is bounded by those who give it: a WorkQueue
//         has one place here.
// Failure: what the system gives no thread for is left to the threads that are there; start() sees
//          to it that there is one.
class WorkPool {
 public:
  struct Options {
    std::size_t threads = 4;
    std::size_t threads_max = 64;
    std::chrono::milliseconds patience{20};
    std::chrono::milliseconds idle{1'000};
  };
  explicit WorkPool(Options options) : options_(options) {}
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // Makes the first thread, so that run() has one from here on.
  Status start();
  void run(std::function<void()> work);
  std::size_t threads() const;

 private:
  using Threads = std::list<std::thread>;
  // Somebody looks at what waits.
  void call_thread() SLIPSTREAM_REQUIRES(mutex_);
  Status make_thread() SLIPSTREAM_REQUIRES(mutex_);
  void work(Threads::iterator self);
  // Empty: the thread ends.
  std::function<void()> next(Threads::iterator self);

  const Options options_;
  mutable Mutex mutex_;
  Condition changed_;
  Condition thread_ended_;
  std::deque<std::function<void()>> waiting_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::uint64_t taken_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;  // of all that ever waited
  std::size_t busy_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  Threads threads_ SLIPSTREAM_GUARDED_BY(mutex_);  // busy ones and those that look for work
  Threads ended_ SLIPSTREAM_GUARDED_BY(mutex_);    // to be joined
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
};

// Work of one owner on a pool: in order, one piece at a time.
//
// Owner:  closed before what the work uses goes.
// Thread: any.
// Bounds: those who post bound it. After kTurn pieces others have their turn.
class WorkQueue {
 public:
  explicit WorkQueue(WorkPool& pool);
  ~WorkQueue() { close(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // After close() it does nothing.
  void post(std::function<void()> work);
  // Drops what has not begun and waits for what has, unless it is that which calls. Idempotent.
  void close();

 private:
  static constexpr int kTurn = 16;
  struct State;
  static void take_turn(const std::shared_ptr<State>& state);
  const std::shared_ptr<State> state_;
};

}  // namespace slipstream
