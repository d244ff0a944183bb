#include "rocketmq/client/callback_pool.h"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "rocketmq/client/callback.h"

namespace slipstream::rocketmq::internal {

CallbackPool::CallbackPool(std::string name, int threads, std::size_t waiting_max)
    : name_(std::move(name)), waiting_max_(waiting_max) {
  for (int i = 0; i < std::max(threads, 1); ++i) {
    threads_.emplace_back([this] {
      ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
      work();
    });
  }
}

CallbackPool::~CallbackPool() { close(); }

bool CallbackPool::run(std::function<void()> work) {
  MutexLock lock(mutex_);
  if (closed_ || waiting_.size() >= waiting_max_) return false;
  waiting_.push_back(std::move(work));
  changed_.notify_one();
  return true;
}

void CallbackPool::close() {
  std::deque<std::function<void()>> dropped;  // destroyed without the mutex
  {
    MutexLock lock(mutex_);
    closed_ = true;
    dropped = std::exchange(waiting_, {});
    changed_.notify_all();
  }
  for (std::thread& each : std::exchange(threads_, {})) each.join();
}

void CallbackPool::work() {
  while (true) {
    std::function<void()> next;
    {
      MutexLock lock(mutex_);
      while (!closed_ && waiting_.empty()) changed_.wait(mutex_);
      if (closed_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    run_callback(("a function on thread " + name_).c_str(), next);
  }
}

}  // namespace slipstream::rocketmq::internal
