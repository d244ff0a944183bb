#include "rocketmq/client/call_quota.h"

#include <algorithm>
#include <map>

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kWindowUs = 1'100'000;

struct Quotas {
  Mutex mutex;
  std::map<std::string, std::weak_ptr<CallQuota>> of_clusters SLIPSTREAM_GUARDED_BY(mutex);
};

}  // namespace

std::shared_ptr<CallQuota> CallQuota::of_cluster(const std::string& name_servers) {
  static Quotas all;
  MutexLock lock(all.mutex);
  std::erase_if(all.of_clusters, [](const auto& each) { return each.second.expired(); });
  std::weak_ptr<CallQuota>& known = all.of_clusters[name_servers];
  std::shared_ptr<CallQuota> quota = known.lock();
  if (!quota) {
    quota = std::make_shared<CallQuota>();
    known = quota;
  }
  return quota;
}

void CallQuota::declare(std::int64_t calls_per_second) {
  MutexLock lock(mutex_);
  declared_.insert(calls_per_second);
}

void CallQuota::withdraw(std::int64_t calls_per_second) {
  MutexLock lock(mutex_);
  const auto found = declared_.find(calls_per_second);
  if (found != declared_.end()) declared_.erase(found);
}

std::int64_t CallQuota::take_or_wait_ms(std::int64_t now_ms) {
  MutexLock lock(mutex_);
  if (declared_.empty()) return 0;
  const std::int64_t now_us = now_ms * 1'000;
  if (next_free_us_ > now_us) return (next_free_us_ - now_us + 999) / 1'000;
  // A call is late by less than a tick of the clock: the next one need not be.
  const std::int64_t since_us = std::max(next_free_us_, now_us - 999);
  const std::int64_t calls = *declared_.begin();
  next_free_us_ = since_us + (kWindowUs + calls - 1) / calls;
  return 0;
}

}  // namespace slipstream::rocketmq::internal
