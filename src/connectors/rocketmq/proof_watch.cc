#include "connectors/rocketmq/proof_watch.h"

#include <utility>

namespace slipstream::rocketmq_connector {

ProofWatch::ProofWatch(rocketmq::Client& client, std::int64_t interval_ms,
                       std::function<void()> wake, std::function<std::int64_t()> outdated_until_ms)
    : client_(client),
      interval_ms_(interval_ms),
      outdated_until_ms_(std::move(outdated_until_ms)),
      wake_(std::move(wake)) {}

void ProofWatch::watch(std::int64_t oldest_proof_ms) {
  {
    MutexLock lock(mutex_);
    proof_ms_ = oldest_proof_ms;
    if (watching_) return;
    watching_ = true;
  }
  check_later();
}

void ProofWatch::close() {
  MutexLock lock(mutex_);
  wake_ = {};
}

void ProofWatch::check_later() {
  client_.run_after(interval_ms_, [self = shared_from_this()] { self->check(); });
}

void ProofWatch::check() {
  {
    MutexLock lock(mutex_);
    watching_ = wake_ && outdated_until_ms_() < proof_ms_;
    if (!watching_) {
      if (wake_) wake_();
      return;
    }
  }
  check_later();
}

}  // namespace slipstream::rocketmq_connector
