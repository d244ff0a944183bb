// Decides the watermark behind an exchange from what its channels received. Pure: facts in,
// decisions out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "flow/operator.h"

namespace slipstream::flow {

// The rule of quiet channels. A watermark is as of a moment by which all rows that it follows from
// had been received; an idle channel is proven for a moment after which what it brings later was
// written. The watermark is the greatest, over moments p, of the minimum over channels of the
// newest watermark as of p or before; left out of that minimum are idle channels proven for p or
// later. When none is left the greatest counts. Only two kinds of moments can give a new
// answer: now, and those that idle channels are proven for.
//
// Where all producers of an input read the same upstream tasks, one that is idle while others are
// not has only not caught up with them: such channels are left out all together or not at all.
//
// Channels that have ended bound nothing, but only when all have is event time at its end: an idle
// one may still hold rows.
//
// Thread: task.
// Bounds: kMarksMax former watermarks per channel. Those between two that are kept were forgotten:
// the answer may be lower for it, never higher.
class ChannelWatermarks {
 public:
  struct Channel {
    std::uint32_t input = 0;
    bool same_upstream = false;  // all producers of the input read the same upstream tasks
  };
  explicit ChannelWatermarks(const std::vector<Channel>& channels);

  // A Watermark ends idleness, as a batch does, which counts as Active. kMaxWatermark: the channel
  // has ended.
  void receive(std::size_t channel, const TimeSignal& signal);
  void ended(std::size_t channel);
  bool is_idle(std::size_t channel) const { return channels_[channel].idle; }

  // Greater than every answer before it; nullopt when event time has not moved.
  std::optional<Watermark> advance();
  // All channels that have not ended are idle: what they are all proven for.
  std::optional<std::int64_t> idle_ms() const;

 private:
  static constexpr std::size_t kMarksMax = 64;
  static constexpr std::int64_t kMarksApartMs = 5;
  struct State {
    std::uint32_t input = 0;
    bool same_upstream = false;
    bool idle = false;
    bool ended = false;
    std::int64_t proven_ms = 0;    // while idle
    std::int64_t left_out_ms = 0;  // left out at this moment and before
    std::vector<Watermark> marks;  // ascending in both

    EventTime newest() const { return marks.empty() ? kMinWatermark : marks.back().time_ms; }
    EventTime at(std::int64_t ms) const;
  };
  // All channels at one moment.
  struct View {
    EventTime watermark = kMinWatermark;
    EventTime greatest = kMinWatermark;
  };

  void record(std::size_t channel, const Watermark& watermark);
  void active(std::size_t channel);
  void settle(std::size_t channel);
  View at(std::int64_t ms) const;
  std::optional<std::int64_t> newest_moment() const;

  std::vector<State> channels_;
  std::int64_t newest_as_of_ms_ = 0;
  EventTime reached_ = kMinWatermark;
  std::vector<std::int64_t> moments_;  // scratch
};

}  // namespace slipstream::flow
