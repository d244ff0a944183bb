// The clocks there are: the system's, and one for tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "slipstream/clock.h"

#include "base/mutex.h"

namespace slipstream {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override;
  std::int64_t now_ns() const override;
  std::int64_t wall_ms() const override;
};

// Moves only when told to. Who waits for it looks every millisecond.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t start_ms = 1'000) : now_ms_(start_ms) {}
  std::int64_t now_ms() const override { return now_ms_.load(); }
  std::int64_t wall_ms() const override { return kWallEpochMs + now_ms_.load(); }
  std::int64_t sleep_ms(std::int64_t ms) const override { return std::min<std::int64_t>(ms, 1); }
  void advance_ms(std::int64_t by_ms) { now_ms_.fetch_add(by_ms); }

 private:
  static constexpr std::int64_t kWallEpochMs = 1'700'000'000'000;
  std::atomic<std::int64_t> now_ms_;
};

// Until `condition` is notified or the clock may have reached `until_ms`, whichever comes first. May
// return early: call it in a loop over both.
inline void wait_until_ms(const Clock& clock, Condition& condition, Mutex& mutex,
                          std::int64_t until_ms) SLIPSTREAM_REQUIRES(mutex) {
  constexpr std::int64_t kSleepMaxMs = 3'600'000;
  const std::int64_t left_ms = until_ms - clock.now_ms();
  if (left_ms > 0) condition.wait_for_ms(mutex, clock.sleep_ms(std::min(left_ms, kSleepMaxMs)));
}

}  // namespace slipstream
