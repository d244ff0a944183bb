// The clocks there are: the system's, and one for tests.
#pragma once

#include <atomic>
#include <cstdint>

#include "slipstream/clock.h"

namespace slipstream {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override;
  std::int64_t now_ns() const override;
  std::int64_t wall_ms() const override;
};

// Moves only when told to.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t start_ms = 1'000) : now_ms_(start_ms) {}
  std::int64_t now_ms() const override { return now_ms_.load(); }
  std::int64_t wall_ms() const override { return kWallEpochMs + now_ms_.load(); }
  void advance_ms(std::int64_t by_ms) { now_ms_.fetch_add(by_ms); }

 private:
  static constexpr std::int64_t kWallEpochMs = 1'700'000'000'000;
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace slipstream
