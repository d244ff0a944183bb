#include "flow/runtime/memory_budget.h"

#include <algorithm>
#include <utility>

namespace slipstream::flow {
namespace {

// Owner: one task.
// Thread: task.
class OperatorReservation final : public MemoryReservation {
 public:
  OperatorReservation(MemoryBudget& budget, std::string name)
      : budget_(budget), name_(std::move(name)) {}
  ~OperatorReservation() override { budget_.release(held_); }

  Status grow(std::size_t bytes) override {
    if (!budget_.reserve(bytes)) {
      return Error{
          ErrorCode::kResourceExhausted,
          "operator '" + name_ + "' holds " + std::to_string(held_) + " bytes and needs " +
              std::to_string(bytes) + " more, but the process uses " +
              std::to_string(budget_.used()) + " of its " + std::to_string(budget_.limit()) +
              " bytes; let its state expire ('table.exec.state.ttl') or raise the memory budget"};
    }
    held_ += bytes;
    return {};
  }
  void shrink(std::size_t bytes) override {
    bytes = std::min(bytes, held_);
    held_ -= bytes;
    budget_.release(bytes);
  }

 private:
  MemoryBudget& budget_;
  const std::string name_;
  std::size_t held_ = 0;
};

}  // namespace

bool MemoryBudget::reserve_below(std::size_t limit, std::size_t bytes) {
  std::size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used > limit || bytes > limit - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

bool MemoryBudget::reserve_buffer(std::size_t bytes, bool must) {
  if (!must) return reserve_below(limit_ - limit_ / 4, bytes);
  charge(bytes);
  return true;
}

std::unique_ptr<MemoryReservation> make_reservation(MemoryBudget& budget,
                                                    std::string operator_name) {
  return std::make_unique<OperatorReservation>(budget, std::move(operator_name));
}

}  // namespace slipstream::flow
