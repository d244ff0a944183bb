// Which pulls one queue should have under way, and which frames may be given out: pure decisions.
//
// Offsets of a queue are dense, so while answers keep bringing `stride` messages the pulls at o, o
// + stride, o + 2 stride ... can be under way together. The window is a list of slots in offset
// order, each a range [begin, end) that is wanted, under way or answered. Frames leave at the front
// only, so order is kept.
//   1. A short answer leaves a gap [next, end): it is asked for before anything behind it may
//   leave.
//   2. Behind the known end of the queue nothing is asked for, except one long poll at the front.
//   3. A broker that gave few may give more later: now and then a pull asks for the most, and the
//   ranges behind it that it brought too are dropped.
//   4. What a pull in the middle says about the queue (nothing here, offset moved) counts for
//   nothing: the slot is
//      dropped and asked for again when it has become the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "slipstream/rocketmq/consumer.h"

#include "rocketmq/client/pull_concurrency.h"

namespace slipstream::rocketmq::internal {

struct PullWindowLimits {
  PullConcurrencyLimits pulls{};  // fixed(1) when the broker filters: offsets are not dense then
  std::int32_t messages_max = 1'024;
};

struct PlannedPull {
  std::uint64_t id = 0;
  std::int64_t offset = 0;
  std::int32_t messages_max = 0;
  bool suspend = false;  // long poll
};

// Thread: one.
// Bounds: as many slots under way as PullConcurrency allows, and as many again that wait answered
//         behind a gap.
class PullWindow {
 public:
  explicit PullWindow(PullWindowLimits limits) : limits_(limits), concurrency_(limits.pulls) {}

  // Forgets everything and begins at `offset`. Answers of older pulls are not known any more.
  void reset(std::int64_t offset);

  // The next pull to send, taken as under way. Nothing when none makes sense now.
  std::optional<PlannedPull> plan();
  // A plan() would give a pull that others wait for: it must not be held back for want of memory.
  bool front_is_blocking() const;

  // --- answers; an unknown id is one that was dropped: ignored ---
  bool knows(std::uint64_t id) const;
  bool is_front(std::uint64_t id) const;
  // REQUIRES for all: knows(id)
  // `took_ns`: from the request to the answer.
  void found(std::uint64_t id, PulledFrame frame, std::int64_t took_ns);
  // Code 19. Front: the next plan is a long poll.
  void nothing_there(std::uint64_t id, std::int64_t max_offset);
  // Drops a pull that is not the front, and all behind it.
  void drop_from(std::uint64_t id);
  // To be sent again as it was.
  void failed(std::uint64_t id);
  // The front is under way as a long poll, and a pull without waiting is wanted instead.
  void pull_front_again();

  // The next frame in offset order, trimmed to what was not given out yet.
  std::optional<PulledFrame> take();

  std::int64_t position() const { return position_; }  // begin of the next frame to leave
  std::int64_t max_offset() const { return max_offset_; }
  std::int32_t stride() const { return stride_; }
  int pulls_allowed() const { return concurrency_.allowed(); }
  int under_way() const { return under_way_; }
  std::size_t held_bytes() const {
    return held_bytes_;
  }                     // of answered pulls that wait behind a gap
  bool at_end() const;  // nothing received is left and the end of the queue is reached
  bool parked() const;  // the front is a long poll under way
  void learn_max(std::int64_t max_offset);
  // Another broker answers from now on.
  void forget_distance() { concurrency_.forget_distance(); }

 private:
  enum class State : std::uint8_t { kWanted, kUnderWay, kAnswered };
  struct Slot {
    std::uint64_t id = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;  // exclusive; where the next slot begins
    State state = State::kWanted;
    bool suspend = false;
    bool open = false;   // nothing is known of what it brings: nothing is asked behind it
    bool probe = false;  // asks for as many as the broker gives
    std::uint64_t round = 0;
    PulledFrame frame;
  };
  using Slots = std::deque<Slot>;

  Slots::iterator find(std::uint64_t id);
  Slots::const_iterator find(std::uint64_t id) const;
  std::int64_t tail() const { return slots_.empty() ? position_ : slots_.back().end; }
  PlannedPull send(Slot& slot);
  bool may_append() const;
  // A slot comes into the counts (1) or leaves them (-1); it does not change in between.
  void count(const Slot& slot, int times);
  void set_state(Slot& slot, State state);
  void erase(Slots::iterator first, Slots::iterator last);

  const PullWindowLimits limits_;
  PullConcurrency concurrency_;
  Slots slots_;
  int under_way_ = 0;
  int wanted_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::int64_t position_ = 0;
  std::int64_t max_offset_ = -1;  // -1: not known
  std::int32_t stride_ = 0;       // 0: not known
  int answers_since_probe_ = 0;
  bool wait_next_ = false;  // the front was found empty: wait there
};

}  // namespace slipstream::rocketmq::internal
