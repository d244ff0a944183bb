// Wakes a reader whose proofs of emptiness count no longer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "slipstream/rocketmq/client.h"

#include "base/mutex.h"

namespace slipstream::rocketmq_connector {

// Wakes the task when its proofs of emptiness are outdated, unless the reader has gone by then. It
// looks from the client's timers: the task of a quiet job is not woken to look.
//
// Thread: any; the wake comes from the client's thread.
class ProofWatch : public std::enable_shared_from_this<ProofWatch> {
 public:
  // `client` outlives the timers that it runs; `outdated_until_ms`: ReaderContext's.
  ProofWatch(rocketmq::Client& client, std::int64_t interval_ms, std::function<void()> wake,
             std::function<std::int64_t()> outdated_until_ms);
  void watch(std::int64_t oldest_proof_ms);
  void close();

 private:
  void check_later();
  void check();

  rocketmq::Client& client_;
  const std::int64_t interval_ms_;
  const std::function<std::int64_t()> outdated_until_ms_;
  Mutex mutex_;
  std::int64_t proof_ms_ SLIPSTREAM_GUARDED_BY(mutex_) = 0;
  bool watching_ SLIPSTREAM_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::rocketmq_connector
