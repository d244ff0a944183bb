// Waiting for a condition in tests: with a deadline, without fixed pauses.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "base/clock.h"

namespace slipstream::rocketmq::testing {

inline bool wait_until(const std::function<bool()>& condition, std::int64_t limit_ms = 20'000) {
  const SystemClock clock;
  const std::int64_t deadline_ms = clock.now_ms() + limit_ms;
  while (!condition()) {
    if (clock.now_ms() > deadline_ms) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace slipstream::rocketmq::testing
