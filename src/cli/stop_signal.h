// SIGINT and SIGTERM as something to wait for.
#pragma once

#include <functional>
#include <thread>

namespace slipstream::cli {

// Blocks the signals in every thread started later and calls `on_signal` (1st, 2nd, ...) on a
// thread of its own. SIGTERM within 0.3 s is one: timeout(1) sends its signal to the process and
// to its group. REQUIRES: made before other threads. SIGPIPE is ignored: a closed pipe is an error
// of write().
class StopSignal {
 public:
  explicit StopSignal(std::function<void(int count)> on_signal);
  ~StopSignal();

 private:
  std::jthread thread_;
};

}  // namespace slipstream::cli
