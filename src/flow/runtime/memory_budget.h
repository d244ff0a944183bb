// The memory of the process that tasks may use, reserved before it is used.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "flow/operator.h"

namespace slipstream::flow {

// Thread: any. Outlives every reservation.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes) : limit_(bytes) {}

  // False when that would pass the limit.
  bool reserve(std::size_t bytes) { return reserve_below(limit_, bytes); }
  // For what can be had later: leaves the last quarter to those who cannot wait. `must`: counts,
  // never refuses.
  bool reserve_buffer(std::size_t bytes, bool must);
  // For what is bounded elsewhere (exchange queues): counts, never refuses.
  void charge(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const { return limit_; }

 private:
  bool reserve_below(std::size_t limit, std::size_t bytes);

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

// One operator's share; gives back what is left when it dies.
std::unique_ptr<MemoryReservation> make_reservation(MemoryBudget& budget,
                                                    std::string operator_name);

}  // namespace slipstream::flow
