#include "connectors/rocketmq/reader_timers.h"

#include <utility>

namespace slipstream::rocketmq_connector {

WakeTimer::WakeTimer(io::EventLoop& loop, std::function<void()> wake)
    : loop_(loop), wake_(std::move(wake)) {}

void WakeTimer::set(std::int64_t after_ms) {
  {
    MutexLock lock(mutex_);
    if (set_) return;
    set_ = true;
  }
  loop_.post([self = shared_from_this(), after_ms] {
    self->loop_.run_after(after_ms, [self] { self->fire(); });
  });
}

void WakeTimer::close() {
  MutexLock lock(mutex_);
  wake_ = {};
}

void WakeTimer::fire() {
  MutexLock lock(mutex_);
  set_ = false;
  if (wake_) wake_();
}

ProofWatch::ProofWatch(io::EventLoop& loop, std::int64_t interval_ms, std::function<void()> wake,
                       std::function<std::int64_t()> outdated_until_ms)
    : loop_(loop),
      interval_ms_(interval_ms),
      outdated_until_ms_(std::move(outdated_until_ms)),
      wake_(std::move(wake)) {}

void ProofWatch::watch(std::int64_t oldest_proof_ms) {
  {
    MutexLock lock(mutex_);
    proof_ms_ = oldest_proof_ms;
    if (looking_) return;
    looking_ = true;
  }
  loop_.post([self = shared_from_this()] { self->look_later(); });
}

void ProofWatch::close() {
  MutexLock lock(mutex_);
  wake_ = {};
}

void ProofWatch::look_later() {
  loop_.run_after(interval_ms_, [self = shared_from_this()] { self->look(); });
}

void ProofWatch::look() {
  {
    MutexLock lock(mutex_);
    looking_ = wake_ && outdated_until_ms_() < proof_ms_;
    if (!looking_) {
      if (wake_) wake_();
      return;
    }
  }
  look_later();
}

}  // namespace slipstream::rocketmq_connector
