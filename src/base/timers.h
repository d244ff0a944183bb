// Functions that are called at times of a clock.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <thread>
#include <utility>

#include "slipstream/status.h"

#include "base/clock.h"
#include "base/mutex.h"

namespace slipstream {

class Timer;

// Owner:  what outlives all its timers.
// Thread: any. One of its own, from the first time that is set, which sleeps until the earliest.
// Bounds: one time per Timer.
// Failure: without its thread nothing fires; arm() tries to make it, start() says if it is there.
class Timers {
 public:
  explicit Timers(const Clock& clock) : clock_(clock) {}
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Makes the thread.
  Status start();
  const Clock& clock() const { return clock_; }

 private:
  friend class Timer;
  void arm(Timer& timer, std::int64_t at_ms);
  void arm_by(Timer& timer, std::int64_t at_ms);
  void set(Timer& timer, std::int64_t at_ms) SLIPSTREAM_REQUIRES(mutex_);
  void disarm(Timer& timer);
  Status make_thread() SLIPSTREAM_REQUIRES(mutex_);
  void work();
  // The next one that is due, which then counts as running; null: the end.
  Timer* next();
  void forget(Timer& timer) SLIPSTREAM_REQUIRES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  Condition changed_;
  Condition fired_;
  std::set<std::pair<std::int64_t, Timer*>> due_ SLIPSTREAM_GUARDED_BY(mutex_);
  const Timer* running_ SLIPSTREAM_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::thread thread_ SLIPSTREAM_GUARDED_BY(mutex_);
};

// One function and at most one time at which it is called.
//
// Owner:  dies before the Timers, and not inside its own function.
// Thread: any. The function is called on the thread of the Timers: it must not wait.
class Timer {
 public:
  Timer(Timers& timers, std::function<void()> function)
      : timers_(timers), function_(std::move(function)) {}
  ~Timer() { disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // At `at_ms` of Clock::now_ms(), or as soon as it can when that is past. Replaces the former time.
  void arm(std::int64_t at_ms) { timers_.arm(*this, at_ms); }
  // No later than that: an earlier time stays.
  void arm_by(std::int64_t at_ms) { timers_.arm_by(*this, at_ms); }
  void arm_after(std::int64_t ms) { arm(timers_.clock().now_ms() + ms); }
  // The function does not run any more when this returns (unless it is the one that calls).
  void disarm() { timers_.disarm(*this); }

 private:
  friend class Timers;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  Timers& timers_;
  const std::function<void()> function_;
  std::int64_t at_ms_ = kNever;  // under the mutex of the Timers
};

}  // namespace slipstream
