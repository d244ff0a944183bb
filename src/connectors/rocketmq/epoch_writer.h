// The writer of exactly-once: seals an epoch's messages, sends none of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/message_encoder.h"
#include "connectors/rocketmq/row_queues.h"
#include "connectors/rocketmq/topic_queues.h"
#include "rocketmq/message/batch_encoder.h"

namespace slipstream::rocketmq_connector {

// Every message gets its stamp and its queue here, forever. The lower scan bound of a queue is a
// max offset that was asked for in the background before the epoch was sealed: nothing of the epoch
// is sent before.
//
// Owner:   a sink task.
// Bounds:  kSealBytes per queue; the rest is in the epoch file.
// Failure: rows that a broker would refuse forever; prepare() waits for bounds as long as brokers
// do not answer.
class EpochWriter final : public SinkWriter {
 public:
  static Result<std::unique_ptr<SinkWriter>> make(std::shared_ptr<const SinkPlan> plan,
                                                  WriterContext context);
  ~EpochWriter() override;

  Result<Write> write(const Batch& batch, EpochFile* file) override;
  Result<std::optional<std::string>> prepare(CheckpointId checkpoint, EpochFile* file) override;

 private:
  class Bounds;
  struct Lane {
    std::uint32_t index = 0;  // in the handle
    rocketmq::BatchEncoder pending;
  };

  EpochWriter(std::shared_ptr<const SinkPlan> plan, WriterContext context,
              std::shared_ptr<rocketmq::Client> client, std::unique_ptr<MessageEncoder> encoder);
  void begin_epoch();
  Status add(const OutMessage& message, EpochFile& file);
  Lane& lane_of(const rocketmq::MessageQueue& queue);
  Status seal(Lane& lane, EpochFile& file);

  const std::shared_ptr<const SinkPlan> plan_;
  const WriterContext context_;
  const std::shared_ptr<rocketmq::Client> client_;
  const std::unique_ptr<MessageEncoder> encoder_;
  rocketmq::Producer routes_;  // for its routes only
  TopicQueues queues_;
  RowQueues row_queues_;
  const std::shared_ptr<Bounds> bounds_;

  EpochHandle epoch_;
  std::string prefix_;
  std::string stamp_;
  std::map<rocketmq::MessageQueue, Lane> lanes_;        // nodes never move
  Lane* last_ = nullptr;                                // of the message before
  const rocketmq::MessageQueue* last_queue_ = nullptr;  // its queue, within one write()
  std::atomic<std::int64_t>* sealed_;
};

}  // namespace slipstream::rocketmq_connector
