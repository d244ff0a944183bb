// Decides in which order a source reads its splits. Pure: facts in, decisions out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "flow/event_time/split_watermarks.h"

namespace slipstream::flow {

// The order changes when a split that is read later has fallen behind one that is read before it by
// more than a second of event time, or a tenth of the drift limit if that is less. When all are
// closer than half of it there is no order.
//
// Thread: task.
// Cost: levels are compared once in kCheckMs.
class ReadOrder {
 public:
  // About as long as a full batch takes: a split overtakes by no more than that.
  static constexpr std::int64_t kCheckMs = 2;

  explicit ReadOrder(std::int64_t max_drift_ms);
  // The new order, slowest split first, empty: none; without splits that are left out, which hold
  // nothing back and go first when they have something. Null: the last answer still holds.
  const std::vector<std::uint32_t>* update(const SplitWatermarks& splits, std::int64_t now_ms);

 private:
  struct Candidate {
    std::size_t rank = 0;  // in order_, from 1; 0: not in it
    EventTime level = kMinWatermark;
    std::uint32_t split = 0;
  };

  const std::uint64_t slack_ms_;
  std::optional<std::int64_t> checked_ms_;
  std::vector<std::uint32_t> order_;
  std::map<std::uint32_t, std::size_t> ranks_;  // of order_
  std::vector<Candidate> candidates_;           // scratch

  bool fell_behind();
};

}  // namespace slipstream::flow
