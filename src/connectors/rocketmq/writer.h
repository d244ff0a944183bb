// The writer of at-least-once and of no guarantee.
#pragma once

#include <memory>

#include "slipstream/connector.h"

#include "connectors/rocketmq/batch_sender.h"
#include "connectors/rocketmq/message_encoder.h"
#include "connectors/rocketmq/row_queues.h"
#include "connectors/rocketmq/topic_queues.h"
#include "connectors/rocketmq/wake_timer.h"
#include "rocketmq/message/message_id.h"

namespace slipstream::rocketmq_connector {

// Owner:   a sink task, and the client it writes with.
// Failure: a send that was given up fails the next write() or prepare(); nothing is dropped
// silently. While the brokers of the topic are away nothing is taken, for sink.send-timeout.
class QueueWriter final : public SinkWriter {
 public:
  static Result<std::unique_ptr<SinkWriter>> make(std::shared_ptr<const SinkPlan> plan,
                                                  WriterContext context);
  ~QueueWriter() override;

  Result<Write> write(const Batch& batch, EpochFile* file) override;
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override;

 private:
  QueueWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
              std::shared_ptr<rocketmq::Client> client, std::unique_ptr<MessageEncoder> encoder);
  Status send(const OutMessage& message, const std::string& unique_key);
  // False: its brokers are away, the wake comes.
  Result<bool> topic_is_there();
  // What was gathered goes to the sender.
  void hand_over();

  const std::shared_ptr<const SinkPlan> plan_;
  const std::shared_ptr<rocketmq::Client> client_;
  const std::unique_ptr<MessageEncoder> encoder_;
  BatchSender sender_;
  TopicQueues queues_;
  RowQueues row_queues_;
  rocketmq::UniqueKeyMaker keys_;
  // Messages of one queue, within one write(): the sender's lock is not taken for each.
  rocketmq::BatchEncoder gathered_;
  const rocketmq::MessageQueue* gathered_for_ = nullptr;
  const Clock& clock_;
  std::int64_t away_since_ms_ = -1;
  const std::shared_ptr<WakeTimer> again_;
};

// The single message of an encoded one, for sends outside of batches.
rocketmq::Message single_message(const OutMessage& message, const rocketmq::MessageQueue& queue,
                                 const std::string& unique_key);

}  // namespace slipstream::rocketmq_connector
