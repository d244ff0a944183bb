// Time as a dependency: components take a Clock, tests give them a FakeClock.
#pragma once

#include <atomic>
#include <cstdint>

namespace slipstream {

// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since some fixed moment; never goes back. For deadlines and durations.
  virtual std::int64_t now_ms() const = 0;
  // The same in nanoseconds, for accounting.
  virtual std::int64_t now_ns() const { return now_ms() * 1'000'000; }
  // Milliseconds since 1970-01-01 UTC; may jump. For stamps that leave the process.
  virtual std::int64_t wall_ms() const = 0;
};

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
