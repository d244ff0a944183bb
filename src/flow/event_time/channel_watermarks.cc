#include "flow/event_time/channel_watermarks.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace slipstream::flow {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

}  // namespace

ChannelWatermarks::ChannelWatermarks(const std::vector<Channel>& channels) {
  for (const Channel& channel : channels) {
    State state;
    state.input = channel.input;
    state.same_upstream = channel.same_upstream;
    state.left_out_ms = kNever;
    channels_.push_back(std::move(state));
  }
}

void ChannelWatermarks::receive(std::size_t channel, const TimeSignal& signal) {
  if (const auto* watermark = std::get_if<Watermark>(&signal)) return record(channel, *watermark);
  const auto* idle = std::get_if<Idle>(&signal);
  if (idle == nullptr) return active(channel);
  if (channels_[channel].ended) return;
  channels_[channel].idle = true;
  channels_[channel].proven_ms = idle->proven_ms;
  settle(channel);
}

void ChannelWatermarks::record(std::size_t channel, const Watermark& watermark) {
  if (watermark.time_ms == kMaxWatermark) return ended(channel);
  State& state = channels_[channel];
  newest_as_of_ms_ = std::max(newest_as_of_ms_, watermark.as_of_ms);
  if (watermark.time_ms > state.newest()) {
    std::vector<Watermark>& marks = state.marks;
    while (!marks.empty() && marks.back().as_of_ms >= watermark.as_of_ms) marks.pop_back();
    const std::size_t count = marks.size();
    if (count >= 2 && marks[count - 1].as_of_ms - marks[count - 2].as_of_ms < kMarksApartMs)
      marks.pop_back();
    marks.push_back(watermark);
    // The older half keeps every other one.
    if (marks.size() > kMarksMax) {
      for (std::size_t i = 1; i < kMarksMax / 4; ++i) marks[i] = marks[i * 2];
      marks.erase(marks.begin() + kMarksMax / 4, marks.begin() + kMarksMax / 2);
    }
  }
  active(channel);
}

void ChannelWatermarks::active(std::size_t channel) {
  if (!channels_[channel].idle) return;
  channels_[channel].idle = false;
  settle(channel);
}

void ChannelWatermarks::ended(std::size_t channel) {
  channels_[channel].ended = true;
  channels_[channel].idle = false;
  settle(channel);
}

void ChannelWatermarks::settle(std::size_t channel) {
  State& changed = channels_[channel];
  changed.left_out_ms = changed.idle ? changed.proven_ms : kNever;
  if (!changed.same_upstream) return;
  std::int64_t together = kAlwaysIdle;
  for (const State& state : channels_) {
    if (state.input == changed.input)
      together = std::min(together, state.idle ? state.proven_ms : kNever);
  }
  for (State& state : channels_) {
    if (state.input == changed.input) state.left_out_ms = together;
  }
}

EventTime ChannelWatermarks::State::at(std::int64_t ms) const {
  const auto later = std::upper_bound(
      marks.begin(), marks.end(), ms,
      [](std::int64_t moment, const Watermark& mark) { return moment < mark.as_of_ms; });
  return later == marks.begin() ? kMinWatermark : std::prev(later)->time_ms;
}

ChannelWatermarks::View ChannelWatermarks::at(std::int64_t ms) const {
  View view;
  EventTime least = kMaxWatermark;
  bool any = false;
  for (const State& state : channels_) {
    if (state.ended) continue;
    const EventTime then = state.at(ms);
    view.greatest = std::max(view.greatest, then);
    if (state.left_out_ms >= ms) continue;
    any = true;
    least = std::min(least, then);
  }
  view.watermark = any ? least : view.greatest;
  return view;
}

// The latest moment at which no channel has to hold event time where it is; nullopt when one does.
std::optional<std::int64_t> ChannelWatermarks::newest_moment() const {
  std::int64_t moment = newest_as_of_ms_;
  for (const State& state : channels_) {
    if (state.ended || state.newest() > reached_) continue;
    if (state.left_out_ms == kNever) return std::nullopt;
    moment = std::min(moment, state.left_out_ms);
  }
  return moment;
}

std::optional<Watermark> ChannelWatermarks::advance() {
  if (reached_ == kMaxWatermark) return std::nullopt;
  if (std::all_of(channels_.begin(), channels_.end(),
                  [](const State& state) { return state.ended; })) {
    reached_ = kMaxWatermark;
    return Watermark{kMaxWatermark, newest_as_of_ms_};
  }
  const auto newest = newest_moment();
  if (!newest) return std::nullopt;
  moments_.assign(1, *newest);
  for (const State& state : channels_) {
    if (!state.ended && state.left_out_ms != kNever && state.left_out_ms < *newest)
      moments_.push_back(state.left_out_ms);
  }
  std::sort(moments_.begin(), moments_.end(), std::greater<>());
  std::optional<Watermark> best;
  for (const std::int64_t moment : moments_) {
    const View view = at(moment);
    if (view.greatest <= reached_) break;
    if (view.watermark <= reached_) continue;
    reached_ = view.watermark;
    best = Watermark{reached_, moment};
  }
  return best;
}

std::optional<std::int64_t> ChannelWatermarks::idle_ms() const {
  std::int64_t least = kAlwaysIdle;
  bool any = false;
  for (const State& state : channels_) {
    if (state.ended) continue;
    any = true;
    least = std::min(least, state.left_out_ms);
  }
  if (!any || least == kNever) return std::nullopt;
  return least;
}

}  // namespace slipstream::flow
