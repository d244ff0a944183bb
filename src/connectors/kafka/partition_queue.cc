#include "connectors/kafka/partition_queue.h"

#include <utility>

#include <librdkafka/rdkafka.h>

#include "base/try.h"

namespace slipstream::kafka_connector {

void MessageDestroyer::operator()(rd_kafka_message_s* message) const {
  rd_kafka_message_destroy(message);
}

Result<std::unique_ptr<PartitionQueue>> PartitionQueue::make(std::shared_ptr<const Client> client,
                                                             const Partition& partition,
                                                             std::int64_t start,
                                                             std::function<void()> wake) {
  std::unique_ptr<PartitionQueue> made(
      new PartitionQueue(std::move(client), partition, std::move(wake)));
  rd_kafka_t* handle = made->client_->handle();
  made->topic_ = rd_kafka_topic_new(handle, partition.topic.c_str(), nullptr);
  if (made->topic_ == nullptr)
    return error_of(rd_kafka_last_error(), "reading " + partition.to_string());
  made->queue_ = rd_kafka_queue_new(handle);
  rd_kafka_queue_cb_event_enable(
      made->queue_, [](rd_kafka_t*, void* self) { static_cast<PartitionQueue*>(self)->wake_(); },
      made.get());
  TRY(made->restart(start));
  return made;
}

PartitionQueue::~PartitionQueue() {
  if (queue_ != nullptr) rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
  if (started_) rd_kafka_consume_stop(topic_, partition_.id);
  if (queue_ != nullptr) rd_kafka_queue_destroy(queue_);
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

std::vector<MessagePtr> PartitionQueue::take(std::size_t max) {
  taken_.resize(max);
  const ssize_t count = rd_kafka_consume_batch_queue(queue_, 0, taken_.data(), max);
  std::vector<MessagePtr> messages;
  if (count <= 0) return messages;
  messages.reserve(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    messages.emplace_back(taken_[i]);
  return messages;
}

// A seek does not bring a partition back whose offset was lost.
Status PartitionQueue::restart(std::int64_t start) {
  if (started_) rd_kafka_consume_stop(topic_, partition_.id);
  started_ = rd_kafka_consume_start_queue(topic_, partition_.id, start, queue_) == 0;
  if (started_) return {};
  return error_of(rd_kafka_last_error(), "reading " + partition_.to_string());
}

std::int64_t PartitionQueue::known_end() const {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto err = rd_kafka_get_watermark_offsets(client_->handle(), partition_.topic.c_str(),
                                                  partition_.id, &low, &high);
  return err == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : -1;
}

}  // namespace slipstream::kafka_connector
