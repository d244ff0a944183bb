#include "flow/runtime/task_pool.h"

#include <utility>

#include "base/log_limit.h"
#include "base/thread.h"

namespace slipstream::flow {
namespace {
thread_local TaskPool* own_pool = nullptr;
}  // namespace

TaskPool::~TaskPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    ready_changed_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

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

void TaskPool::retire(Runnable& task) {
  int state = task.state_.load(std::memory_order_acquire);
  while (state != Runnable::kDead && state != Runnable::kRetiring) {
    const int wanted = state == Runnable::kIdle ? Runnable::kDead : Runnable::kRetiring;
    if (task.state_.compare_exchange_weak(state, wanted, std::memory_order_acq_rel)) break;
  }
  MutexLock lock(mutex_);
  while (task.state_.load(std::memory_order_acquire) != Runnable::kDead) retired_.wait(mutex_);
}

// Nothing touches the task after this.
void TaskPool::dead(Runnable& task) {
  if (task.state_.exchange(Runnable::kDead, std::memory_order_acq_rel) != Runnable::kRetiring)
    return;
  MutexLock lock(mutex_);
  retired_.notify_all();
}

void TaskPool::call_thread() {
  if (ready_.empty() || awake_ >= cores_) return;
  if (sleepers_ != 0) return ready_changed_.notify_one();
  if (stopped_ || threads_.size() >= cores_ + kWaitingMax) return;
  if (const Status made = make_thread(); !made.ok())
    LogLimit::of_process().log(LogLevel::kWarn, "flow", "threads of tasks", made.to_string());
}

Status TaskPool::make_thread() {
  auto thread = slipstream::make_thread([this] { work(); });
  if (!thread.ok()) return thread.status();
  threads_.push_back(std::move(*thread));
  ++awake_;
  return {};
}

Status TaskPool::start() {
  MutexLock lock(mutex_);
  return threads_.empty() ? make_thread() : Status();
}

void TaskPool::enqueue(Runnable& task) {
  MutexLock lock(mutex_);
  ready_.push_back(&task);
  call_thread();
}

Runnable* TaskPool::next() {
  MutexLock lock(mutex_);
  while (!stopped_ && (ready_.empty() || awake_ > cores_)) {
    --awake_;
    ++sleepers_;
    ready_changed_.wait(mutex_);
    --sleepers_;
    ++awake_;
  }
  if (stopped_) return nullptr;
  Runnable* task = ready_.front();
  ready_.pop_front();
  call_thread();  // two calls in a row may have woken the same one
  return task;
}

void TaskPool::work() {
  own_pool = this;
  while (Runnable* task = next()) run_slice(*task);
}

void TaskPool::run_slice(Runnable& task) {
  int state = Runnable::kReady;
  if (!task.state_.compare_exchange_strong(state, Runnable::kRunning, std::memory_order_acq_rel))
    return dead(task);
  const Runnable::Next next = task.run();
  if (next == Runnable::Next::kDone) return dead(task);
  state = Runnable::kRunning;
  if (next == Runnable::Next::kPark &&
      task.state_.compare_exchange_strong(state, Runnable::kIdle, std::memory_order_acq_rel))
    return;
  state = task.state_.load(std::memory_order_acquire);
  while (state != Runnable::kRetiring) {
    if (task.state_.compare_exchange_weak(state, Runnable::kReady, std::memory_order_acq_rel))
      return enqueue(task);
  }
  dead(task);
}

void TaskPool::begin_wait() {
  MutexLock lock(mutex_);
  --awake_;
  call_thread();
}

void TaskPool::end_wait() {
  MutexLock lock(mutex_);
  ++awake_;
}

OutsideWait::OutsideWait() : pool_(own_pool) {
  if (pool_ != nullptr) pool_->begin_wait();
}

OutsideWait::~OutsideWait() {
  if (pool_ != nullptr) pool_->end_wait();
}

}  // namespace slipstream::flow
