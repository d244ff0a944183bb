#include "flow/runtime/task_pool.h"

namespace slipstream::flow {

TaskPool::TaskPool(std::size_t threads) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TaskPool::~TaskPool() { stop(); }

void TaskPool::schedule(Runnable& task) {
  int state = task.state_.load(std::memory_order_acquire);
  while (true) {
    switch (state) {
      case Runnable::kIdle:
        if (task.state_.compare_exchange_weak(state, Runnable::kReady, std::memory_order_acq_rel)) {
          enqueue(task);
          return;
        }
        break;
      case Runnable::kRunning:
        if (task.state_.compare_exchange_weak(state, Runnable::kRunningAgain,
                                              std::memory_order_acq_rel))
          return;
        break;
      default:
        // A read-modify-write, so that what the caller wrote before is seen by the slice that is
        // already due.
        if (task.state_.compare_exchange_weak(state, state, std::memory_order_acq_rel)) return;
        break;
    }
  }
}

void TaskPool::enqueue(Runnable& task) {
  MutexLock lock(mutex_);
  ready_.push_back(&task);
  if (sleepers_ != 0) ready_changed_.notify_one();
}

void TaskPool::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    ready_changed_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void TaskPool::work() {
  while (true) {
    Runnable* task = nullptr;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && ready_.empty()) {
        ++sleepers_;
        ready_changed_.wait(mutex_);
        --sleepers_;
      }
      if (stopped_) return;
      task = ready_.front();
      ready_.pop_front();
    }
    task->state_.exchange(Runnable::kRunning, std::memory_order_acq_rel);
    const Runnable::Next next = task->run();
    if (next == Runnable::Next::kDone) {
      task->state_.store(Runnable::kDead, std::memory_order_release);
      continue;
    }
    int expected = Runnable::kRunning;
    if (next == Runnable::Next::kPark &&
        task->state_.compare_exchange_strong(expected, Runnable::kIdle,
                                             std::memory_order_acq_rel)) {
      continue;
    }
    task->state_.exchange(Runnable::kReady, std::memory_order_acq_rel);
    enqueue(*task);
  }
}

}  // namespace slipstream::flow
