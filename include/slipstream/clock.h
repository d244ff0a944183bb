// Time as a dependency: components take a Clock, tests give them one that they move.
#pragma once

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
  // How long a thread that waits until `ms` of now_ms() have passed may sleep before it reads the
  // clock again. A clock that tests move answers less.
  virtual std::int64_t sleep_ms(std::int64_t ms) const { return ms; }
};

}  // namespace slipstream
