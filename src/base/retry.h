// When to try again: deadline, growing waits and cancellation, handed down as one object.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "slipstream/status.h"

#include "base/clock.h"

namespace slipstream {

struct RetryPolicy {
  std::int64_t first_wait_ms = 50;
  std::int64_t wait_ms_max = 2'000;
  std::int64_t total_ms_max = 0;  // 0 = no deadline
  int attempts_max = 0;           // 0 = no limit
};

// Decides; the caller waits. One object belongs to one operation and one thread.
//
//   Retry retry(policy, clock, stop, seed);
//   while (true) {
//     Status status = attempt();
//     if (status.ok()) return status;
//     const auto wait_ms = retry.next_wait_ms(status.error());
//     if (!wait_ms) return status;
//     ... wait ...
//   }
class Retry {
 public:
  // `seed` makes the jitter repeatable in tests; give different ones to different connections.
  Retry(RetryPolicy policy, const Clock& clock, std::stop_token stop, std::uint64_t seed);

  // The wait before the next attempt: between half and all of the exponentially grown wait, cut at
  // the deadline. Empty: give up (not retryable, cancelled, out of attempts or out of time).
  std::optional<std::int64_t> next_wait_ms(const Error& failure);

  // The same where nothing failed, but there was nothing to do yet.
  std::optional<std::int64_t> next_wait_ms();

  // What is left until the deadline, at most `limit_ms`; for the time-out of one attempt.
  std::int64_t remaining_ms(std::int64_t limit_ms) const;
  // After a success of a long-lived operation (a connection): the next failure starts small again.
  void reset();

  int attempts() const { return attempts_; }
  bool cancelled() const { return stop_.stop_requested(); }

 private:
  const RetryPolicy policy_;
  const Clock& clock_;
  const std::stop_token stop_;
  std::int64_t deadline_ms_;
  std::uint64_t random_;
  std::int64_t wait_ms_;
  int attempts_ = 0;
};

}  // namespace slipstream
