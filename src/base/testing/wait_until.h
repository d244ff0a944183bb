// Waiting for a condition in tests: with a deadline, without fixed pauses.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "base/clock.h"

namespace slipstream {

// False when the condition has not come true before the deadline: long enough for a busy machine, since a passing test
// does not wait for it. Asks every millisecond, so that what is waited for has the processor.
inline bool wait_until(const std::function<bool()>& condition, std::int64_t limit_ms = 120'000) {
  const SystemClock clock;
  const std::int64_t deadline_ms = clock.now_ms() + limit_ms;
  while (!condition()) {
    if (clock.now_ms() > deadline_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace slipstream
