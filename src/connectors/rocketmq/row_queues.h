// Which queue a row belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/rocketmq/message.h"

#include "connectors/rocketmq/message_encoder.h"
#include "connectors/rocketmq/sink_plan.h"
#include "connectors/rocketmq/topic_queues.h"

namespace slipstream::rocketmq_connector {

// Asked in this order: the queue that the row names; the hash of its sharding key, or of the
// partition field (NULL as the empty text), or of the key of an upsert table, as Java's selector by
// hash takes it; the hash of the key of a changelog. A row that has none of them may go anywhere.
//
// Owner:   a writer.
// Thread:  task.
// Failure: kDataError names table, column and queue where the topic has no such queue.
class RowQueues {
 public:
  explicit RowQueues(std::shared_ptr<const SinkPlan> plan);

  // No row may go anywhere.
  bool places_all() const { return plan_->hashed && sharding_ == nullptr; }
  // The batch must live until the last find() for it.
  void read(const Batch& batch);
  // Null: any queue will do. Refers to the topic's queues.
  Result<const rocketmq::MessageQueue*> find(const OutMessage& message,
                                             const TopicQueues::Topic& topic) const;

 private:
  Result<const rocketmq::MessageQueue*> named(std::size_t row,
                                              const TopicQueues::Topic& topic) const;
  Error refuse(const std::string& text) const;

  const std::shared_ptr<const SinkPlan> plan_;
  const WriteColumn* const queue_;
  const WriteColumn* const broker_;
  const WriteColumn* const sharding_;
  const Batch* batch_ = nullptr;
  std::vector<std::uint64_t> hashes_;  // of rows; of the partition field or of the key
};

}  // namespace slipstream::rocketmq_connector
