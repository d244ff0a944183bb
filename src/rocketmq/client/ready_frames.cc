#include "rocketmq/client/ready_frames.h"

#include <utility>

#include "base/try.h"

namespace slipstream::rocketmq::internal {

void ReadyFrames::add(Ready ready) {
  Lane& lane = lanes_[ready.reader];
  const std::uint64_t arrival = ++arrivals_;
  if (lane.frames.empty()) turns_.insert(Turn{lane.rank, arrival, ready.reader});
  lane.frames.push_back(Waiting{arrival, std::move(ready.frame)});
}

ReadyFrames::Ready ReadyFrames::take() {
  DCHECK(!turns_.empty());
  auto turn = turns_.extract(turns_.begin());
  Lane& lane = lanes_.find(turn.value().reader)->second;
  Ready ready{turn.value().reader, std::move(lane.frames.front().frame)};
  lane.frames.pop_front();
  if (!lane.frames.empty()) {
    turn.value().arrival = lane.frames.front().arrival;
    turns_.insert(std::move(turn));
  }
  return ready;
}

std::size_t ReadyFrames::drop(std::uint64_t reader) {
  const auto lane = lanes_.find(reader);
  if (lane == lanes_.end()) return 0;
  std::size_t bytes = 0;
  for (const Waiting& each : lane->second.frames) bytes += each.frame.records.size();
  if (!lane->second.frames.empty())
    turns_.erase(Turn{lane->second.rank, lane->second.frames.front().arrival, reader});
  lanes_.erase(lane);
  return bytes;
}

void ReadyFrames::set_read_order(std::span<const std::uint64_t> order) {
  for (auto& [reader, lane] : lanes_) lane.rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) lanes_[order[i]].rank = i + 1;
  turns_.clear();
  for (const auto& [reader, lane] : lanes_) {
    if (!lane.frames.empty()) turns_.insert(Turn{lane.rank, lane.frames.front().arrival, reader});
  }
}

}  // namespace slipstream::rocketmq::internal
