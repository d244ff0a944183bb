#include "rocketmq/client/call_quota.h"

#include <algorithm>

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kWindowUs = 1'100'000;

struct Quotas {
  Mutex mutex;
  std::map<std::string, std::shared_ptr<CallQuota>> of_servers SLIPSTREAM_GUARDED_BY(mutex);
};

}  // namespace

std::shared_ptr<CallQuota> CallQuota::of_cluster(const std::vector<std::string>& name_servers) {
  static Quotas all;
  MutexLock lock(all.mutex);
  std::shared_ptr<CallQuota> quota;
  for (const std::string& server : name_servers) {
    const auto known = all.of_servers.find(server);
    if (known == all.of_servers.end() || known->second == quota) continue;
    if (!quota) {
      quota = known->second;
      continue;
    }
    const std::shared_ptr<CallQuota> other = known->second;
    merge(*other, quota);
    for (auto& [name, each] : all.of_servers) {
      if (each == other) each = quota;
    }
  }
  if (!quota) quota = std::make_shared<CallQuota>();
  for (const std::string& server : name_servers) all.of_servers[server] = quota;
  return quota;
}

void CallQuota::merge(CallQuota& from, const std::shared_ptr<CallQuota>& into) {
  MutexLock lock(from.mutex_);
  MutexLock lock_into(into->mutex_);
  from.merged_into_ = into;
  into->declared_.merge(from.declared_);
  for (const auto& [calls, until_ms] : from.kept_until_ms_) {
    std::int64_t& kept_ms = into->kept_until_ms_[calls];
    kept_ms = std::max(kept_ms, until_ms);
  }
  into->last_left_us_ = std::max(into->last_left_us_, from.last_left_us_);
  into->next_free_us_ = std::max(into->next_free_us_, from.next_free_us_);
  into->begin_one_window_ahead();
}

std::int64_t CallQuota::smallest(std::int64_t now_ms) {
  std::erase_if(kept_until_ms_, [now_ms](const auto& each) { return each.second <= now_ms; });
  const std::int64_t kept = kept_until_ms_.empty() ? 0 : kept_until_ms_.begin()->first;
  if (declared_.empty()) return kept;
  return kept == 0 ? *declared_.begin() : std::min(kept, *declared_.begin());
}

void CallQuota::begin_one_window_ahead() {
  next_free_us_ = std::max(next_free_us_, last_left_us_ + kWindowUs);
}

void CallQuota::declare(std::int64_t calls_per_second, std::int64_t now_ms) {
  MutexLock lock(mutex_);
  if (merged_into_) return merged_into_->declare(calls_per_second, now_ms);
  const std::int64_t before = smallest(now_ms);
  declared_.insert(calls_per_second);
  if (before == 0 || calls_per_second < before) begin_one_window_ahead();
}

void CallQuota::withdraw(std::int64_t calls_per_second, std::int64_t now_ms) {
  MutexLock lock(mutex_);
  if (merged_into_) return merged_into_->withdraw(calls_per_second, now_ms);
  const auto found = declared_.find(calls_per_second);
  if (found == declared_.end()) return;
  declared_.erase(found);
  kept_until_ms_[calls_per_second] = now_ms + kKeptMs;
}

std::int64_t CallQuota::take_or_wait_ms(std::int64_t now_ms) {
  MutexLock lock(mutex_);
  if (merged_into_) return merged_into_->take_or_wait_ms(now_ms);
  const std::int64_t now_us = now_ms * 1'000;
  const std::int64_t calls = smallest(now_ms);
  if (calls > 0 && next_free_us_ > now_us) return (next_free_us_ - now_us + 999) / 1'000;
  last_left_us_ = std::max(last_left_us_, now_us);
  if (calls == 0) return 0;
  // A call is late by less than a tick of the clock: the next one need not be.
  const std::int64_t since_us = std::max(next_free_us_, now_us - 999);
  next_free_us_ = since_us + (kWindowUs + calls - 1) / calls;
  return 0;
}

}  // namespace slipstream::rocketmq::internal
