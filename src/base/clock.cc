#include "base/clock.h"

#include <chrono>

namespace slipstream {
namespace {

template <typename TimePoint>
std::int64_t since_epoch_ms(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::int64_t SystemClock::now_ms() const {
  return since_epoch_ms(std::chrono::steady_clock::now());
}

std::int64_t SystemClock::now_ns() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t SystemClock::wall_ms() const {
  return since_epoch_ms(std::chrono::system_clock::now());
}

}  // namespace slipstream
