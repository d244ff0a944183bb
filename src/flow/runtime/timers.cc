#include "flow/runtime/timers.h"

#include <algorithm>

namespace slipstream::flow {
namespace {
constexpr std::int64_t kSleepMaxMs = 3'600'000;
}  // namespace

void Timers::arm(Runnable& task, std::int64_t at_ms) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  const auto found = armed_.find(&task);
  if (found != armed_.end()) {
    if (found->second == at_ms) return;
    due_.erase({found->second, &task});
    found->second = at_ms;
  } else {
    armed_.emplace(&task, at_ms);
  }
  const auto place = due_.emplace(at_ms, &task).first;
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
    const std::int64_t now = clock_.now_ms();
    if (when > now) {
      changed_.wait_for_ms(mutex_, std::min(when - now, kSleepMaxMs));
      continue;
    }
    due_.erase(due_.begin());
    armed_.erase(task);
    pool_.schedule(*task);
  }
}

}  // namespace slipstream::flow
