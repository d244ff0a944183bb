// Consumes topics together with the other members of a consumer group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/queue_allocation.h"
#include "slipstream/rocketmq/trace.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

enum class ConsumeResult : std::uint8_t {
  kSuccess,  // will not be given again
  kLater,    // give it again, as GroupConsumer says
};

// One call of a listener: messages of one queue, by offset.
struct Delivery {
  MessageQueue queue{};
  std::span<const ReceivedMessage> messages{};

  // Set by the listener; each is for one case.
  std::size_t done_count = SIZE_MAX;  // kSuccess, not orderly: the messages behind these are kLater
  // kLater, not orderly: 1..18; 0 = 10 s, and longer with each time; below 0 = dead letter at once
  std::int32_t delay_level = 0;
  std::int64_t suspend_ms = -1;  // kLater, orderly; below 0 = GroupConsumerOptions::suspend_ms
};

struct GroupSubscription {
  std::string topic{};
  std::string tags = "*";  // "A || B"
  std::string sql{};       // SQL92 over properties, instead of tags
};

struct GroupConsumerOptions {
  std::string group{};
  // All members of a group must have the same.
  std::vector<GroupSubscription> subscriptions{};
  bool orderly = false;       // one message of a queue after the other
  bool broadcasting = false;  // every member gets everything
  std::string offset_file{};  // broadcasting: where this member's offsets are kept
  // Where the group has no offset: earliest, latest or timestamp. `latest` is the end of the topic
  // when the group's first member began. A queue that the topic got later is read from its beginning,
  // once no member has written an offset of it for the client's call and connect timeouts; so is one
  // whose broker was not in the route when the group began.
  StartPosition from = StartPosition::latest();
  QueueAllocation allocation = allocate_averagely();
  int threads = 20;
  std::size_t batch_max = 1;  // messages of one call
  // How often a message is given again before it is a dead letter; -1: 16 times, forever when
  // orderly.
  std::int32_t reconsume_times_max = -1;
  std::int64_t suspend_ms = 1'000;  // orderly: before a message is given again; 10 to 30,000 count
  std::size_t cached_messages_max = 1'000;     // of one queue; it is not pulled above
  std::size_t cached_bytes_max = 100UL << 20;  // of the bodies of one queue
  std::int32_t messages_per_pull_max = 32;
  std::int64_t commit_interval_ms = 5'000;
  std::int64_t rebalance_interval_ms = 20'000;  // and when the broker tells that members changed
  // orderly: how often locks are renewed, below 30,000; a lock that was not is trusted for 30 s
  std::int64_t lock_interval_ms = 20'000;
  TraceOptions trace{};  // reports of each call of the listener, before and after
};

// A member of a consumer group, as the Java client's push consumer is one: both may be members of
// one group. Queues are dealt out among the members by `allocation`; messages are given to the
// listener.
//
// Not orderly: messages of a queue in any order and at the same time. kLater puts a message into the
// group's retry topic, which all members read, and after reconsume_times_max into its dead-letter
// topic; when the broker cannot be reached it is given again here, after 5 s. Orderly: the broker
// locks a queue for one member; after kLater the same message comes again, and nothing else of its
// queue before, until it is a dead letter. Broadcasting: nothing is given again, kLater is logged.
//
// Owner:   one component; borrows the Client. One of a group for each Client.
// Thread:  the listener runs on `threads` threads and may block; everything else: any but the
//          client's.
// Order:   orderly: the offsets of each queue ascend. Else none.
// Bounds:  cached_messages_max and cached_bytes_max for each queue, plus the pulls under way.
// Offsets: written every commit_interval_ms, when a queue goes to another member, and at close:
//          behind everything that was handled without a gap. A message may come twice (a member
//          that failed, a queue that moved); it is never left out.
// Failure: start() refuses wrong options, and fails when the system gives no threads. Afterwards lost
//          brokers and missing topics are looked for again for as long as it takes, and logged. An
//          exception out of the listener is logged and means kLater; one out of the allocation leaves
//          the queues as they are. A message that cannot be read is asked for again; one that stays so
//          is logged with its queue and offset and passed over, and nothing else is.
class GroupConsumer {
 public:
  using Listener = std::function<ConsumeResult(Delivery&)>;

  static Result<std::unique_ptr<GroupConsumer>> start(Client& client, GroupConsumerOptions options,
                                                      Listener listener);
  // close()
  ~GroupConsumer();
  GroupConsumer(const GroupConsumer&) = delete;
  GroupConsumer& operator=(const GroupConsumer&) = delete;

  // Waits for calls of the listener that run, writes offsets, gives up locks and leaves the group.
  // Messages that were not given to the listener stay for the other members. Idempotent. When the
  // listener calls it, it does not wait: all that happens once the listener has returned, also when
  // the listener destroys its GroupConsumer; the Client must live until then.
  void close();

  // The queues of this member now, those of the retry topic included; sorted.
  std::vector<MessageQueue> assigned() const;
  // No new calls of the listener; queues and locks stay.
  void suspend();
  void resume();
  // Reports of messages that were not stored in the trace topic.
  std::uint64_t dropped_traces() const;

 private:
  class State;
  explicit GroupConsumer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace slipstream::rocketmq
