// When a recorded message is due.
#pragma once

#include <cmath>
#include <cstdint>

namespace slipstream::cli {

// Thread: one. `speed` times as fast as it was recorded; 0 = everything at once.
class ReplayClock {
 public:
  ReplayClock(double speed, std::int64_t start_ms) : speed_(speed), start_ms_(start_ms) {}

  // How long to wait at `now_ms` before the message that was recorded at `recorded_ms` is sent. The
  // first one is due at once; one that was recorded before it, too.
  std::int64_t wait_ms(std::int64_t recorded_ms, std::int64_t now_ms) {
    if (speed_ <= 0) return 0;
    if (first_ms_ < 0) first_ms_ = recorded_ms;
    const double ahead = static_cast<double>(recorded_ms - first_ms_) / speed_;
    const double due = static_cast<double>(start_ms_) + ahead;
    return due <= static_cast<double>(now_ms)
               ? 0
               : static_cast<std::int64_t>(std::llround(due - static_cast<double>(now_ms)));
  }

 private:
  double speed_;
  std::int64_t start_ms_;
  std::int64_t first_ms_ = -1;  // when the first message was recorded; -1: none was due yet
};

}  // namespace slipstream::cli
