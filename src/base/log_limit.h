// Lines that come again and again: one is logged, the others are counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"

namespace slipstream {

// Thread: any.
// Bounds: kKeysMax keys; the one that was logged longest ago makes room.
class LogLimit {
 public:
  static constexpr std::size_t kKeysMax = 1'000;

  explicit LogLimit(const Clock& clock, std::int64_t interval_ms = 30'000)
      : clock_(clock), interval_ms_(interval_ms) {}

  // Logs the line unless one of this key was logged less than interval_ms ago; then it is counted, and
  // the next line says how many there were.
  void log(LogLevel level, std::string_view component, const std::string& key,
           const std::string& text);
  // It is over: the next line of the key is logged.
  void forget(const std::string& key);

  static LogLimit& of_process();

 private:
  struct Line {
    std::int64_t logged_ms = 0;
    std::int64_t held_back = 0;
  };

  const Clock& clock_;
  const std::int64_t interval_ms_;
  Mutex mutex_;
  std::map<std::string, Line> lines_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream
