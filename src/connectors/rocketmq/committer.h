// Publishes sealed epochs of an exactly-once sink.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/producer.h"

#include "connectors/rocketmq/flink_metrics.h"
#include "connectors/rocketmq/message_encoder.h"

namespace slipstream::rocketmq_connector {

// Every message of the epochs is stored exactly once when commit() succeeds.
//   1. Batches are sent, several at a time. Busy and unreachable brokers: again, for as long as it
//      takes.
//   2. An unknown outcome, or a recovered epoch, makes a queue doubtful. When nothing of it can be
//      under way any more (the fence), the queue is looked through for stamps, and only messages
//      that are not there are sent, as in 1.
// Each queue has its own waits, fence and attempts while others go on, so the loop is not
// connector_kit::publish_until_done(), which tries all of a commit again.
//
// Owner:   the engine's commit thread; blocks.
// Bounds:  kUnderWayMax batches in memory.
// Failure: what a broker refuses forever, a lost lease, expired messages, stop.
class EpochCommitter final : public SinkCommitter {
 public:
  static Result<std::unique_ptr<SinkCommitter>> make(std::shared_ptr<const SinkPlan> plan,
                                                     const CommitterContext& context);

  Status commit(std::span<const Committable> committables, const CommitContext& context) override;

 private:
  EpochCommitter(std::shared_ptr<const SinkPlan> plan, const CommitterContext& context,
                 std::shared_ptr<rocketmq::Client> client);

  const std::shared_ptr<const SinkPlan> plan_;
  const CommitterContext engine_;
  const std::shared_ptr<rocketmq::Client> client_;
  FlinkSinkMetrics metrics_;
  rocketmq::Producer producer_;
};

}  // namespace slipstream::rocketmq_connector
