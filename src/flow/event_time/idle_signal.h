// Which change of idleness a task has to send.
#pragma once

#include <cstdint>
#include <optional>

#include "flow/time_signal.h"

namespace slipstream::flow {

// Thread: task.
class IdleSignal {
 public:
  // A batch or a watermark was sent: for the tasks behind that ended idleness.
  void interrupted() { sent_ms_.reset(); }
  // `idle_ms`: what Idle::proven_ms would be; nullopt = the task may hold event time back. Answers
  // what to send; nullopt when the tasks behind know it already.
  std::optional<TimeSignal> update(std::optional<std::int64_t> idle_ms) {
    if (sent_ms_ == idle_ms) return std::nullopt;
    sent_ms_ = idle_ms;
    return idle_ms ? TimeSignal(Idle{*idle_ms}) : TimeSignal(Active{});
  }

 private:
  std::optional<std::int64_t> sent_ms_;  // of the Idle that still holds
};

}  // namespace slipstream::flow
