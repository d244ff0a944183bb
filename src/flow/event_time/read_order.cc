#include "flow/event_time/read_order.h"

#include <algorithm>
#include <tuple>

namespace slipstream::flow {
namespace {

constexpr std::int64_t kSlackMs = 1'000;

}  // namespace

ReadOrder::ReadOrder(std::int64_t max_drift_ms)
    : slack_ms_(static_cast<std::uint64_t>(
          max_drift_ms > 0 ? std::clamp<std::int64_t>(max_drift_ms / 10, 1, kSlackMs) : kSlackMs)) {
}

const std::vector<std::uint32_t>* ReadOrder::update(const SplitWatermarks& splits,
                                                    std::int64_t now_ms) {
  if (checked_ms_ && now_ms - *checked_ms_ < kCheckMs) return nullptr;
  checked_ms_ = now_ms;
  candidates_.clear();
  EventTime least = kMaxWatermark;
  EventTime greatest = kMinWatermark;
  splits.each_holding(now_ms, [&](std::uint32_t split, EventTime level) {
    const auto rank = ranks_.find(split);
    candidates_.push_back({rank == ranks_.end() ? 0 : rank->second, level, split});
    least = std::min(least, level);
    greatest = std::max(greatest, level);
  });
  const bool alike = candidates_.size() < 2 || distance_ms(least, greatest) <= slack_ms_ / 2;
  if (alike ? order_.empty() : !fell_behind()) return nullptr;
  order_.clear();
  ranks_.clear();
  if (alike) return &order_;
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.level, a.split) < std::tie(b.level, b.split);
  });
  for (const Candidate& candidate : candidates_) {
    order_.push_back(candidate.split);
    ranks_.emplace(candidate.split, order_.size());
  }
  return &order_;
}

// A split is too far behind one that is read before it, or at the same time.
bool ReadOrder::fell_behind() {
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.rank, b.level) < std::tie(b.rank, a.level);
  });
  EventTime read_before = kMinWatermark;
  for (const Candidate& candidate : candidates_) {
    read_before = std::max(read_before, candidate.level);
    if (distance_ms(candidate.level, read_before) > slack_ms_) return true;
  }
  return false;
}

}  // namespace slipstream::flow
