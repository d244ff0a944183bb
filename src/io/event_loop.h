// The real loop: one thread over epoll.
#pragma once

#include <memory>
#include <string>

#include "io/loop.h"

namespace asio {
class io_context;
}

namespace slipstream::io {

// Owner:  one wiring place; outlives the connections and timers that use it.
// Stop:   stop() is idempotent, waits for the running callback and drops all others unrun.
class EventLoop final : public Loop {
 public:
  // Starts the thread; `name` is what `ps -T` shows (at most 15 characters).
  EventLoop(const Clock& clock, const std::string& name);
  ~EventLoop() override;

  void post(std::function<void()> work) override;
  TimerId run_after(std::int64_t delay_ms, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  bool in_loop() const override;
  const Clock& clock() const override { return clock_; }

  // Runs `work` on the loop and waits until it ran; at once when called on the loop. False when the
  // loop is stopped (the work did not run).
  bool run_and_wait(std::function<void()> work);

  void stop();
  asio::io_context& context();

 private:
  struct State;
  const Clock& clock_;
  std::unique_ptr<State> state_;
};

}  // namespace slipstream::io
