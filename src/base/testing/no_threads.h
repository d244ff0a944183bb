// A system that gives no more threads.
#pragma once

#include <cstddef>

#include <pthread.h>

#include "base/try.h"

namespace slipstream {

// While it lives no thread can be made in this process: none has room for its stack.
//
// Owner:   a test.
// Thread:  one.
// Failure: ends the program.
class NoThreads {
 public:
  NoThreads() {
    CHECK(::pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t endless;
    CHECK(::pthread_attr_init(&endless) == 0);
    CHECK(::pthread_attr_setstacksize(&endless, std::size_t{1} << 47) == 0);
    CHECK(::pthread_setattr_default_np(&endless) == 0);
    ::pthread_attr_destroy(&endless);
  }
  ~NoThreads() {
    CHECK(::pthread_setattr_default_np(&before_) == 0);
    ::pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

}  // namespace slipstream
