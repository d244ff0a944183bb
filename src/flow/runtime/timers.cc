#include "flow/runtime/timers.h"

#include <algorithm>

namespace slipstream::flow {

void Timers::arm(Runnable& task, std::int64_t wall_ms) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  const auto found = armed_.find(&task);
  if (found != armed_.end()) {
    if (found->second == wall_ms) return;
    due_.erase({found->second, &task});
    found->second = wall_ms;
  } else {
    armed_.emplace(&task, wall_ms);
  }
  const auto place = due_.emplace(wall_ms, &task).first;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { work(); });
  } else if (place == due_.begin()) {
    changed_.notify_one();
  }
}

void Timers::stop() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Timers::work() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    if (due_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const auto [when, task] = *due_.begin();
    const std::int64_t now = clock_.wall_ms();
    if (when > now) {
      // At most a minute: the wall clock may jump.
      changed_.wait_for_ms(mutex_, std::min<std::int64_t>(when - now, 60'000));
      continue;
    }
    due_.erase(due_.begin());
    armed_.erase(task);
    pool_.schedule(*task);
  }
}

}  // namespace slipstream::flow
