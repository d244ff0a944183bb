// Where functions of the user run on threads of the client.
#pragma once

#include <string>

#include "base/log.h"
#include "base/thrown.h"

namespace slipstream::rocketmq::internal {

// An exception out of it is logged: it must not end the thread, and there is nobody to fail.
template <typename Callback, typename... Args>
void run_callback(const char* what, const Callback& callback, const Args&... args) {
  if (!callback) return;
  try {
    callback(args...);
  } catch (...) {
    log(LogLevel::kError, "rocketmq", std::string(what) + " " + error_of_exception().message);
  }
}

}  // namespace slipstream::rocketmq::internal
