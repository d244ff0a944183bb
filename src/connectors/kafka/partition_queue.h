// Messages of one partition as librdkafka fetches them ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "connectors/kafka/client.h"

struct rd_kafka_message_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_s;

namespace slipstream::kafka_connector {

struct MessageDestroyer {
  void operator()(rd_kafka_message_s* message) const;
};
using MessagePtr = std::unique_ptr<rd_kafka_message_s, MessageDestroyer>;

// Fetching goes on from its making to its end, as far ahead as 'queued.max.messages.kbytes' allows.
//
// Owner:   a reader.
// Thread:  task; `wake` is called from librdkafka's threads when there is something to take and there
//          was nothing before.
// Order:   offsets ascend.
class PartitionQueue {
 public:
  // `start`: an offset, or kEarliestOffset.
  static Result<std::unique_ptr<PartitionQueue>> make(std::shared_ptr<const Client> client,
                                                      const Partition& partition,
                                                      std::int64_t start,
                                                      std::function<void()> wake);
  ~PartitionQueue();
  PartitionQueue(const PartitionQueue&) = delete;
  PartitionQueue& operator=(const PartitionQueue&) = delete;

  // Without waiting, at most `max`. Errors and ends of the partition are messages too.
  std::vector<MessagePtr> take(std::size_t max);
  // What was fetched is dropped; waits until librdkafka has stopped.
  Status restart(std::int64_t start);
  // Behind the last message that a broker told of; -1 = not known yet.
  std::int64_t known_end() const;

 private:
  PartitionQueue(std::shared_ptr<const Client> client, Partition partition,
                 std::function<void()> wake)
      : client_(std::move(client)), partition_(std::move(partition)), wake_(std::move(wake)) {}

  const std::shared_ptr<const Client> client_;
  const Partition partition_;
  const std::function<void()> wake_;
  rd_kafka_topic_s* topic_ = nullptr;
  rd_kafka_queue_s* queue_ = nullptr;
  bool started_ = false;
  std::vector<rd_kafka_message_s*> taken_;  // room for take()
};

}  // namespace slipstream::kafka_connector
