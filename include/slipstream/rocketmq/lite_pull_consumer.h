// Consumes topics by asking for messages, as a member of a consumer group or from given queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/queue_allocation.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

struct LitePullOptions {
  std::string group{};
  std::vector<GroupSubscription> subscriptions{};  // one of the two
  std::vector<MessageQueue> queues{};              // these, whatever other members read
  StartPosition from = StartPosition::latest();  // where the group has no offset; no offset itself
  QueueAllocation allocation = allocate_averagely();
  std::size_t batch_max = 32;  // messages of one poll()
  bool auto_commit = true;     // every commit_interval_ms, and at close
  std::int64_t commit_interval_ms = 5'000;
  std::int64_t rebalance_interval_ms = 20'000;
  std::size_t cached_messages_max = 1'000;     // of one queue; it is not pulled above
  std::size_t cached_bytes_max = 100UL << 20;  // of the bodies of one queue
  std::int32_t messages_per_pull_max = 32;
};

// As the Java client's lite pull consumer. With subscriptions the queues are dealt out among the
// members of the group, with queues they are not; messages that fail are the caller's own concern,
// there is no retry topic.
//
// Owner:   one component; borrows the Client. One of a group for each Client.
// Thread:  one polls, seeks and commits; everything else: any.
// Order:   the offsets of each queue ascend.
// Bounds:  cached_messages_max and cached_bytes_max for each queue, plus the pulls under way.
// Offsets: what one poll() gave is handled when the next one is called, or commit().
// Failure: as GroupConsumer.
class LitePullConsumer {
 public:
  static Result<std::unique_ptr<LitePullConsumer>> start(Client& client, LitePullOptions options);
  // close()
  ~LitePullConsumer();
  LitePullConsumer(const LitePullConsumer&) = delete;
  LitePullConsumer& operator=(const LitePullConsumer&) = delete;

  // Messages of one queue. Waits for at most timeout_ms; empty when there were none.
  // Failure: kCancelled when it or its Client was closed.
  Result<std::vector<ReceivedMessage>> poll(std::int64_t timeout_ms);
  // Goes on there. kNotFound when the queue is not ours now.
  Status seek(const MessageQueue& queue, std::int64_t offset);
  // Writes offsets behind everything that poll() gave, and waits. A queue that is not ours any more is
  // left out: its next member has begun where the group stood.
  Status commit();
  // What poll() gives: the queue is pulled on until it is full.
  void pause(const MessageQueue& queue);
  void resume(const MessageQueue& queue);
  std::vector<MessageQueue> assigned() const;  // sorted
  // With auto_commit, writes the offsets of what was handled; leaves the group. Idempotent.
  void close();

 private:
  class State;
  explicit LitePullConsumer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
