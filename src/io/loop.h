// Where callbacks run: one thread that executes posted work and timers. The seam that lets a test
// or a simulation decide about time and order.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"

namespace slipstream::io {

enum class TimerId : std::uint64_t { kNone = 0 };

// Thread: post() any; everything else on the loop's thread.
// Order:  posted work runs in the order of post() calls of one thread.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual void post(std::function<void()> work) = 0;
  virtual TimerId run_after(std::int64_t delay_ms, std::function<void()> work) = 0;
  // After it returns the work will not run. Unknown and expired ids are ignored.
  virtual void cancel(TimerId timer) = 0;
  virtual bool in_loop() const = 0;
  virtual const Clock& clock() const = 0;
};

}  // namespace slipstream::io
