// How many calls a second a cluster may get from this process.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"

namespace slipstream::rocketmq::internal {

// Calls leave evenly: as many as declared in 1.1 s, so that no second of the receiver's clock holds
// more when the way there takes up to 100 ms longer for some than for others.
//
// Owner:   the clients of one cluster (shared).
// Thread:  any.
// Bounds:  the smallest number that anybody has declared and not withdrawn; none: calls leave at
//          once. Nothing is saved up while there are no calls.
class CallQuota {
 public:
  // The one of the process for a cluster, by its name servers in any order.
  static std::shared_ptr<CallQuota> of_cluster(const std::string& name_servers);

  void declare(std::int64_t calls_per_second);
  void withdraw(std::int64_t calls_per_second);
  // 0: a call may leave now, and counts. Else: ask again after so many milliseconds.
  std::int64_t take_or_wait_ms(std::int64_t now_ms);

 private:
  Mutex mutex_;
  std::multiset<std::int64_t> declared_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::int64_t next_free_us_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
};

}  // namespace slipstream::rocketmq::internal
