// Finds the queues of a topic and where to begin in them.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/admin.h"

#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/split_codec.h"

namespace slipstream::rocketmq_connector {

// Start options count for what the first discovery of a fresh start finds; a queue found later, or
// absent from restored state, is read from its first message. A queue that a route does not show is
// not forgotten.
//
// Thread:  the coordinator's; blocks for a few requests per queue at the first discovery.
// Failure: names topic and queue; retryable when servers did not answer.
class QueueEnumerator final : public SplitEnumerator {
 public:
  static Result<std::unique_ptr<SplitEnumerator>> make(
      std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context);

  Result<Discovery> discover() override;
  std::chrono::milliseconds discovery_interval() const override;
  std::string snapshot() override { return encode_known_splits(known_); }

 private:
  QueueEnumerator(std::shared_ptr<const SourceSettings> settings,
                  std::shared_ptr<rocketmq::Client> client);
  bool bounded() const { return settings_->bound != BoundMode::kUnbounded; }
  Status check_named_queues(const std::vector<rocketmq::MessageQueue>& queues) const;
  Result<QueuePosition> first_position(const rocketmq::MessageQueue& queue);
  Result<std::int64_t> start_of(const rocketmq::MessageQueue& queue);
  // The start, or where scan.offset-out-of-range moves it when the queue has no such offset.
  Result<std::int64_t> start_within(const rocketmq::MessageQueue& queue, std::int64_t start);
  // Ends of queues count what was acknowledged before.
  void await_dispatch();
  Result<std::int64_t> group_offset(const rocketmq::MessageQueue& queue);
  Result<std::int64_t> end_of(const rocketmq::MessageQueue& queue);
  // First message stored at or after the time; brokers 4.x answer one too early behind the last
  // one.
  Result<std::int64_t> offset_at(const rocketmq::MessageQueue& queue, std::int64_t ms);

  std::shared_ptr<const SourceSettings> settings_;
  std::shared_ptr<rocketmq::Client> client_;
  rocketmq::Admin admin_;
  std::set<std::string> known_;
  bool fresh_ = true;  // nothing found yet and nothing restored
  bool done_ = false;
  bool filter_checked_ = false;
};

}  // namespace slipstream::rocketmq_connector
