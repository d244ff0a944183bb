#include "rocketmq/client/pull_concurrency.h"

#include <algorithm>

namespace slipstream::rocketmq::internal {
namespace {

// A broker that answers within this is near: the first number of pulls keeps a queue busy.
constexpr std::int64_t kNearNs = 250'000;

}  // namespace

void PullConcurrency::answered(std::uint64_t round, std::int64_t took_ns) {
  took_ns = std::max<std::int64_t>(took_ns, 1);
  if (fastest_ns_ == 0 || took_ns < fastest_ns_) fastest_ns_ = took_ns;
  if (round != round_) return;
  took_ns_ += took_ns;
  if (++answers_ < allowed_) return;
  const std::int64_t mean_ns = took_ns_ / answers_;
  const bool distance_limits =
      wanted_more_ && mean_ns > kNearNs && mean_ns <= fastest_ns_ + fastest_ns_ / 2;
  if (distance_limits)
    allow(allowed_ * 2);
  else if (mean_ns > fastest_ns_ * 2)
    allow(allowed_ / 2);
  else
    allow(allowed_);
}

void PullConcurrency::answered_short(std::uint64_t round) {
  if (round == round_) allow(allowed_ / 2);
}

void PullConcurrency::begin_anew() { allow(limits_.first); }

void PullConcurrency::forget_distance() {
  fastest_ns_ = 0;
  begin_anew();
}

void PullConcurrency::allow(int pulls) {
  allowed_ = std::clamp(pulls, limits_.first, limits_.most);
  ++round_;
  wanted_more_ = false;
  answers_ = 0;
  took_ns_ = 0;
}

}  // namespace slipstream::rocketmq::internal
