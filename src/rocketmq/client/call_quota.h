// How many calls a second a cluster may get from this process.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace slipstream::rocketmq::internal {

// Calls leave evenly: as many as declared in 1.1 s, so that no second of the receiver's clock holds
// more when the way there takes up to 100 ms longer for some than for others. The first one under a
// smaller number leaves so long after the last one before it.
//
// Owner:   the clients of one cluster, and the process (shared).
// Thread:  any.
// Bounds:  the smallest number that anybody has declared and not withdrawn, or withdrawn less than
//          kKeptMs ago: a job between failure and restart. None: calls leave at once. Nothing is
//          saved up while there are no calls. The process keeps one per name server that it named.
class CallQuota {
 public:
  static constexpr std::int64_t kKeptMs = 60'000;

  // The one of the process for a cluster: lists of name servers that have one in common are of the
  // same cluster.
  static std::shared_ptr<CallQuota> of_cluster(const std::vector<std::string>& name_servers);

  void declare(std::int64_t calls_per_second, std::int64_t now_ms);
  void withdraw(std::int64_t calls_per_second, std::int64_t now_ms);
  // 0: a call may leave now, and counts. Else: ask again after so many milliseconds.
  std::int64_t take_or_wait_ms(std::int64_t now_ms);

 private:
  // Both are one from now on. REQUIRES: no other merge is under way; neither was merged into another.
  static void merge(CallQuota& from, const std::shared_ptr<CallQuota>& into);
  // 0: none.
  std::int64_t smallest(std::int64_t now_ms) SLIPSTREAM_REQUIRES(mutex_);
  void begin_one_window_ahead() SLIPSTREAM_REQUIRES(mutex_);

  Mutex mutex_;  // before that of merged_into_
  // Stands for this one; null: not merged.
  std::shared_ptr<CallQuota> merged_into_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::multiset<std::int64_t> declared_ SLIPSTREAM_GUARDED_BY(mutex_);
  // Withdrawn, and until when they count.
  std::map<std::int64_t, std::int64_t> kept_until_ms_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::int64_t next_free_us_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  std::int64_t last_left_us_ SLIPSTREAM_GUARDED_BY(mutex_) =
      std::numeric_limits<std::int64_t>::min() / 2;
};

}  // namespace slipstream::rocketmq::internal
