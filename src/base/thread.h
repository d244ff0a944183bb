// Threads that may not be there for the asking.
#pragma once

#include <functional>
#include <system_error>
#include <thread>
#include <utility>

#include "slipstream/status.h"

namespace slipstream {

// kResourceExhausted, to be tried again, when the system gives no more.
inline Result<std::thread> make_thread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    return Error::retry(ErrorCode::kResourceExhausted,
                        "the system gives no thread: " + error.code().message());
  }
}

}  // namespace slipstream
