#include "base/timers.h"

#include <algorithm>

#include "base/log_limit.h"
#include "base/thread.h"

namespace slipstream {

Timers::~Timers() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Timers::forget(Timer& timer) {
  if (timer.at_ms_ != Timer::kNever) due_.erase({timer.at_ms_, &timer});
  timer.at_ms_ = Timer::kNever;
}

void Timers::arm(Timer& timer, std::int64_t at_ms) {
  MutexLock lock(mutex_);
  set(timer, at_ms);
}

void Timers::arm_by(Timer& timer, std::int64_t at_ms) {
  MutexLock lock(mutex_);
  set(timer, std::min(timer.at_ms_, at_ms));
}

void Timers::set(Timer& timer, std::int64_t at_ms) {
  if (timer.at_ms_ == at_ms) return;
  forget(timer);
  if (at_ms == Timer::kNever) return;
  timer.at_ms_ = at_ms;
  const auto place = due_.emplace(at_ms, &timer).first;
  if (place == due_.begin()) changed_.notify_one();
  if (const Status made = make_thread(); !made.ok())
    LogLimit::of_process().log(LogLevel::kWarn, "base", "thread of timers", made.to_string());
}

Status Timers::start() {
  MutexLock lock(mutex_);
  return make_thread();
}

Status Timers::make_thread() {
  if (thread_.joinable() || stopped_) return {};
  auto thread = slipstream::make_thread([this] { work(); });
  if (thread.ok()) thread_ = std::move(*thread);
  return thread.status();
}

void Timers::disarm(Timer& timer) {
  MutexLock lock(mutex_);
  forget(timer);
  while (running_ == &timer && thread_.get_id() != std::this_thread::get_id()) fired_.wait(mutex_);
}

Timer* Timers::next() {
  MutexLock lock(mutex_);
  if (std::exchange(running_, nullptr) != nullptr) fired_.notify_all();
  while (!stopped_) {
    if (due_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const auto [at_ms, timer] = *due_.begin();
    if (at_ms > clock_.now_ms()) {
      wait_until_ms(clock_, changed_, mutex_, at_ms);
      continue;
    }
    forget(*timer);
    running_ = timer;
    return timer;
  }
  return nullptr;
}

void Timers::work() {
  while (Timer* timer = next()) timer->function_();
}

}  // namespace slipstream
