// Frames that wait for the poller, and whose turn it is: pure decisions.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>

#include "slipstream/rocketmq/consumer.h"

namespace slipstream::rocketmq::internal {

// Frames of one queue leave in the order they came. Between queues the one that is named earlier in
// the preferred order goes first, those that are not named before all; alike, the first to come.
//
// Thread: one at a time.
// Cost: a frame costs the logarithm of the number of queues.
class ReadyFrames {
 public:
  struct Ready {
    std::uint64_t reader = 0;  // the id of its QueueReader
    PulledFrame frame;
  };

  void add(Ready ready);
  bool empty() const { return turns_.empty(); }
  // REQUIRES: !empty()
  Ready take();
  // Forgets the reader, its place in the order too. Returns the bytes of its frames.
  std::size_t drop(std::uint64_t reader);
  // Ids of readers; replaces the former order.
  void set_read_order(std::span<const std::uint64_t> order);

 private:
  struct Waiting {
    std::uint64_t arrival = 0;
    PulledFrame frame;
  };
  struct Lane {
    std::size_t rank = 0;  // 0: not named
    std::deque<Waiting> frames;
  };
  struct Turn {
    std::size_t rank = 0;
    std::uint64_t arrival = 0;  // of the lane's front
    std::uint64_t reader = 0;
    auto operator<=>(const Turn&) const = default;
  };

  std::map<std::uint64_t, Lane> lanes_;
  std::set<Turn> turns_;  // one of each lane with frames
  std::uint64_t arrivals_ = 0;
};

}  // namespace slipstream::rocketmq::internal
