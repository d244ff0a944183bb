#include "base/work_pool.h"

#include <utility>

#include "base/log_limit.h"
#include "base/thread.h"

namespace slipstream {

WorkPool::~WorkPool() {
  Threads threads;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
    while (!threads_.empty()) thread_ended_.wait(mutex_);
    threads.swap(ended_);
  }
  for (std::thread& thread : threads) thread.join();
}

Status WorkPool::start() {
  MutexLock lock(mutex_);
  return threads_.empty() ? make_thread() : Status();
}

void WorkPool::run(std::function<void()> work) {
  MutexLock lock(mutex_);
  waiting_.push_back(std::move(work));
  const bool somebody_is_patient = waiting_.size() > 1 && threads_.size() > busy_;
  if (busy_ < options_.threads || !somebody_is_patient) call_thread();
}

std::size_t WorkPool::threads() const {
  MutexLock lock(mutex_);
  return threads_.size();
}

void WorkPool::call_thread() {
  if (waiting_.empty()) return;
  if (threads_.size() > busy_) return changed_.notify_one();
  if (threads_.size() >= options_.threads_max) return;
  if (const Status made = make_thread(); !made.ok())
    LogLimit::of_process().log(LogLevel::kWarn, "base", "threads of a pool", made.to_string());
}

Status WorkPool::make_thread() {
  const auto place = threads_.emplace(threads_.end());
  auto thread = slipstream::make_thread([this, place] { work(place); });
  if (thread.ok()) {
    *place = std::move(*thread);
  } else {
    threads_.erase(place);
  }
  return thread.status();
}

std::function<void()> WorkPool::next(Threads::iterator self) {
  Threads earlier;
  {
    MutexLock lock(mutex_);
    bool patient = false;  // the oldest work has waited long enough
    while (waiting_.empty() || (busy_ >= options_.threads && !patient && !stopped_)) {
      if (stopped_) break;
      const bool idle = waiting_.empty();
      const std::uint64_t taken = taken_;
      if (idle && threads_.size() == 1) {
        changed_.wait(mutex_);
        continue;
      }
      const bool notified =
          changed_.wait_for_ms(mutex_, (idle ? options_.idle : options_.patience).count());
      if (notified) continue;
      if (idle && waiting_.empty() && threads_.size() > 1) break;
      patient = !idle && taken == taken_;
    }
    if (!waiting_.empty()) {
      std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      ++taken_;
      ++busy_;
      call_thread();
      return work;
    }
    earlier.swap(ended_);
    ended_.splice(ended_.end(), threads_, self);
    thread_ended_.notify_all();
  }
  for (std::thread& thread : earlier) thread.join();
  return nullptr;
}

void WorkPool::work(Threads::iterator self) {
  while (std::function<void()> work = next(self)) {
    work();
    work = nullptr;
    MutexLock lock(mutex_);
    --busy_;
  }
}

struct WorkQueue::State {
  explicit State(WorkPool& on) : pool(on) {}

  WorkPool& pool;
  Mutex mutex;
  Condition changed;
  std::deque<std::function<void()>> waiting SLIPSTREAM_GUARDED_BY(mutex);
  bool scheduled SLIPSTREAM_GUARDED_BY(mutex) = false;
  bool closed SLIPSTREAM_GUARDED_BY(mutex) = false;
  std::thread::id runner SLIPSTREAM_GUARDED_BY(mutex);  // none = nothing runs
};

WorkQueue::WorkQueue(WorkPool& pool) : state_(std::make_shared<State>(pool)) {}

void WorkQueue::post(std::function<void()> work) {
  const std::shared_ptr<State> state = state_;
  {
    MutexLock lock(state->mutex);
    if (state->closed) return;
    state->waiting.push_back(std::move(work));
    if (std::exchange(state->scheduled, true)) return;
  }
  state->pool.run([state] { take_turn(state); });
}

void WorkQueue::close() {
  std::deque<std::function<void()>> dropped;
  MutexLock lock(state_->mutex);
  state_->closed = true;
  dropped.swap(state_->waiting);
  while (state_->runner != std::thread::id() && state_->runner != std::this_thread::get_id())
    state_->changed.wait(state_->mutex);
}

void WorkQueue::take_turn(const std::shared_ptr<State>& state) {
  for (int i = 0; i < kTurn; ++i) {
    std::function<void()> work;
    {
      MutexLock lock(state->mutex);
      if (state->waiting.empty()) {
        state->scheduled = false;
        return;
      }
      work = std::move(state->waiting.front());
      state->waiting.pop_front();
      state->runner = std::this_thread::get_id();
    }
    work();
    work = nullptr;
    MutexLock lock(state->mutex);
    state->runner = {};
    state->changed.notify_all();
  }
  state->pool.run([state] { take_turn(state); });
}

}  // namespace slipstream
