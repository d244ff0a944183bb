// Wakes a task after a while.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "slipstream/rocketmq/client.h"

#include "base/mutex.h"

namespace slipstream::rocketmq_connector {

// Wakes the task once after a while, unless its reader or writer has gone by then.
//
// Thread: any; the wake comes from the client's thread.
class WakeTimer : public std::enable_shared_from_this<WakeTimer> {
 public:
  explicit WakeTimer(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Nothing while one is set.
  void set(rocketmq::Client& client, std::int64_t after_ms) {
    {
      MutexLock lock(mutex_);
      if (set_) return;
      set_ = true;
    }
    client.run_after(after_ms, [self = shared_from_this()] { self->fire(); });
  }
  void close() {
    MutexLock lock(mutex_);
    wake_ = {};
  }

 private:
  void fire() {
    MutexLock lock(mutex_);
    set_ = false;
    if (wake_) wake_();
  }

  Mutex mutex_;
  bool set_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::rocketmq_connector
