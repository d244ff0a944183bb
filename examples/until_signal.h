// Waits for a job the way a service does.
#pragma once

#include <chrono>
#include <csignal>
#include <iostream>

#include "slipstream/stream.h"

inline volatile std::sig_atomic_t signals_received = 0;

// Until the job ends. SIGTERM and Ctrl-C stop it with a savepoint, a second one cancels it. The
// exit code of the program.
inline int wait_until_signal(slipstream::stream::JobHandle job) {
  std::signal(SIGTERM, [](int) { signals_received = signals_received + 1; });
  std::signal(SIGINT, [](int) { signals_received = signals_received + 1; });
  int handled = 0;
  while (true) {
    if (const auto ended = job.wait_for(std::chrono::milliseconds(50))) {
      if (ended->ok()) return 0;
      std::cerr << "error: " << ended->to_string() << '\n';
      return 1;
    }
    if (signals_received == handled) continue;
    handled = signals_received;
    if (handled == 1) {
      job.request_stop();
    } else {
      job.cancel();
    }
  }
}
