#include "rocketmq/client/process_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace slipstream::rocketmq::internal {

void ProcessQueue::add(std::vector<ReceivedMessage> messages, std::int64_t next_offset) {
  for (ReceivedMessage& message : messages) {
    open_.insert(message.queue_offset);
    bytes_ += message.body.size();
    waiting_.push_back(std::move(message));
  }
  next_offset_ = next_offset;
}

std::vector<ReceivedMessage> ProcessQueue::take(std::size_t count_max) {
  std::vector<ReceivedMessage> taken;
  const std::size_t count = std::min(std::max<std::size_t>(count_max, 1), waiting_.size());
  taken.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return taken;
}

void ProcessQueue::done(std::int64_t offset, std::size_t bytes) {
  if (open_.erase(offset) != 0) bytes_ -= bytes;
}

void ProcessQueue::put_back(std::vector<ReceivedMessage> messages) {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(messages.begin()),
                  std::make_move_iterator(messages.end()));
}

}  // namespace slipstream::rocketmq::internal
