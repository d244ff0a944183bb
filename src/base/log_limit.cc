#include "base/log_limit.h"

#include <algorithm>

namespace slipstream {

void LogLimit::log(LogLevel level, std::string_view component, const std::string& key,
                   const std::string& text) {
  std::int64_t held_back = 0;
  {
    MutexLock lock(mutex_);
    const std::int64_t now_ms = clock_.now_ms();
    const auto known = lines_.find(key);
    if (known != lines_.end() && now_ms - known->second.logged_ms < interval_ms_) {
      ++known->second.held_back;
      return;
    }
    if (known != lines_.end()) {
      held_back = known->second.held_back;
    } else if (lines_.size() >= kKeysMax) {
      lines_.erase(std::min_element(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) {
        return a.second.logged_ms < b.second.logged_ms;
      }));
    }
    lines_[key] = Line{now_ms, 0};
  }
  const std::string count =
      held_back == 0 ? std::string() : " (and " + std::to_string(held_back) + " lines like it)";
  slipstream::log(level, component, text + count);
}

void LogLimit::forget(const std::string& key) {
  MutexLock lock(mutex_);
  lines_.erase(key);
}

LogLimit& LogLimit::of_process() {
  static const SystemClock clock;
  static auto* instance = new LogLimit(clock);  // leaked: threads that end after main() may log
  return *instance;
}

}  // namespace slipstream
