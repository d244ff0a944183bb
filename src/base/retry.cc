#include "base/retry.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace slipstream {

Retry::Retry(RetryPolicy policy, const Clock& clock, std::stop_token stop, std::uint64_t seed)
    : policy_(policy),
      clock_(clock),
      stop_(std::move(stop)),
      deadline_ms_(policy.total_ms_max > 0 ? clock.now_ms() + policy.total_ms_max
                                           : std::numeric_limits<std::int64_t>::max()),
      random_(seed * 0x9E3779B97F4A7C15ULL + 1),
      wait_ms_(policy.first_wait_ms) {}

std::optional<std::int64_t> Retry::next_wait_ms(const Error& failure) {
  if (failure.retryable) return next_wait_ms();
  ++attempts_;
  return std::nullopt;
}

std::optional<std::int64_t> Retry::next_wait_ms() {
  ++attempts_;
  if (cancelled()) return std::nullopt;
  if (policy_.attempts_max > 0 && attempts_ >= policy_.attempts_max) return std::nullopt;
  const std::int64_t left_ms = deadline_ms_ - clock_.now_ms();
  if (left_ms <= 0) return std::nullopt;
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const std::int64_t half_ms = wait_ms_ / 2;
  const auto jitter_ms =
      static_cast<std::int64_t>(random_ % (static_cast<std::uint64_t>(wait_ms_ - half_ms) + 1));
  wait_ms_ = std::min(wait_ms_ * 2, policy_.wait_ms_max);
  return std::min(half_ms + jitter_ms, left_ms);
}

std::int64_t Retry::remaining_ms(std::int64_t limit_ms) const {
  return std::clamp<std::int64_t>(deadline_ms_ - clock_.now_ms(), 0, limit_ms);
}

void Retry::reset() {
  wait_ms_ = policy_.first_wait_ms;
  attempts_ = 0;
  if (policy_.total_ms_max > 0) deadline_ms_ = clock_.now_ms() + policy_.total_ms_max;
}

}  // namespace slipstream
