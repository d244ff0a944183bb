// The messages of one queue between the pulls and the listener of a group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "slipstream/rocketmq/message.h"

namespace slipstream::rocketmq::internal {

// A message is waiting, then given out, then done; or waiting again.
//
// Thread: one at a time.
// Bounds: whoever adds looks at count() and bytes() before.
class ProcessQueue {
 public:
  // `next_offset`: where reading begins.
  explicit ProcessQueue(std::int64_t next_offset) : next_offset_(next_offset) {}

  // What was pulled up to `next_offset`, which is smaller than before when the queue lost its tail.
  void add(std::vector<ReceivedMessage> messages, std::int64_t next_offset);
  // The next ones, at most so many.
  std::vector<ReceivedMessage> take(std::size_t count_max);
  void done(const ReceivedMessage& message) { done(message.queue_offset, message.body.size()); }
  void done(std::int64_t offset, std::size_t bytes);
  // Those that were taken are the next ones again.
  void put_back(std::vector<ReceivedMessage> messages);

  bool has_waiting() const { return !waiting_.empty(); }
  std::size_t count() const { return open_.size(); }  // waiting or given out
  std::size_t bytes() const { return bytes_; }        // of their bodies
  // Everything before it is done.
  std::int64_t commit_offset() const { return open_.empty() ? next_offset_ : *open_.begin(); }

 private:
  std::int64_t next_offset_;
  std::deque<ReceivedMessage> waiting_;
  std::set<std::int64_t> open_;  // offsets
  std::size_t bytes_ = 0;
};

}  // namespace slipstream::rocketmq::internal
