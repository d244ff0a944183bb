#include "cli/stop_signal.h"

#include <csignal>
#include <ctime>

namespace slipstream::cli {
namespace {

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
    int count = 0;
    while (!stop.stop_requested()) {
      const timespec limit{0, 200'000'000};
      if (sigtimedwait(&waited, nullptr, &limit) > 0) on_signal(++count);
    }
  });
}

StopSignal::~StopSignal() {
  thread_.request_stop();
  thread_.join();
}

}  // namespace slipstream::cli
