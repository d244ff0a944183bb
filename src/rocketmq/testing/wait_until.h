// Waiting for a condition in tests: with a deadline, without fixed pauses.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace slipstream::rocketmq::testing {

inline bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace slipstream::rocketmq::testing
