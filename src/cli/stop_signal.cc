#include "cli/stop_signal.h"

#include <csignal>

#include "base/clock.h"

namespace slipstream::cli {
namespace {

constexpr std::int64_t kOneStopMs = 300;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignal::StopSignal(std::function<void(int)> on_signal) {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([on_signal = std::move(on_signal)](const std::stop_token& stop) {
    const sigset_t waited = stop_signals();
    const SystemClock clock;
    int count = 0;
    std::int64_t counted_ms = 0;
    while (true) {
      const int signal = sigwaitinfo(&waited, nullptr);
      if (stop.stop_requested()) return;
      if (signal <= 0) continue;
      if (signal == SIGTERM && count > 0 && clock.now_ms() - counted_ms < kOneStopMs) continue;
      counted_ms = clock.now_ms();
      on_signal(++count);
    }
  });
}

StopSignal::~StopSignal() {
  thread_.request_stop();
  // Ends its wait; not one of the process: only this thread gets it, and it looks for the stop
  // first.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): blocked
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

}  // namespace slipstream::cli
