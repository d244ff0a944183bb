// Finds the queues of topics and where to begin in them.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/admin.h"

#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/split_codec.h"

namespace slipstream::rocketmq_connector {

// Start options count for what the first discovery of a fresh start finds; a queue found later, or
// absent from restored state, is read from its first message: so are all of a topic found later. A
// queue that a route does not show is not forgotten.
//
// Thread:  the coordinator's; blocks for a request per topic, and for a few per queue at the first
//          discovery.
// Bounds:  kTopicsMax topics that match a pattern.
// Failure: names topic and queue; retryable when servers did not answer. Of several topics those
//          that cannot be asked about are logged and passed over once there was a first discovery.
class QueueEnumerator final : public SplitEnumerator {
 public:
  static Result<std::unique_ptr<SplitEnumerator>> make(
      std::shared_ptr<const SourceSettings> settings, const EnumeratorContext& context);

  Result<Discovery> discover() override;
  std::chrono::milliseconds discovery_interval() const override;
  std::string snapshot() override { return encode_known_splits(known_); }

 private:
  static constexpr std::size_t kTopicsMax = 10'000;

  QueueEnumerator(std::shared_ptr<const SourceSettings> settings,
                  std::shared_ptr<rocketmq::Client> client);
  bool bounded() const { return settings_->bound != BoundMode::kUnbounded; }
  using Topics = std::vector<rocketmq::TopicDescription>;
  // Those of the table that are there now.
  Result<Topics> find_topics();
  Result<std::vector<std::string>> topic_names();
  Result<rocketmq::TopicDescription> describe(const std::string& topic);
  bool may_pass_over(const Error& error) const;
  void pass_over(const std::string& topic, const std::string& why);
  // None: the topic is not among them.
  static std::vector<rocketmq::MessageQueue> queues_of(const Topics& topics,
                                                       const std::string& name);
  Status check_named_queues(const Topics& topics) const;
  Result<QueuePosition> first_position(const rocketmq::MessageQueue& queue);
  Result<std::int64_t> start_of(const rocketmq::MessageQueue& queue);
  // The start, or where scan.offset-out-of-range moves it when the queue has no such offset.
  Result<std::int64_t> start_within(const rocketmq::MessageQueue& queue, std::int64_t start);
  // Ends of queues count what was acknowledged before.
  void await_dispatch(const Topics& topics);
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
  std::set<std::string> filter_checked_;  // topics
  std::set<std::string> passed_over_;     // topics, as was logged
};

}  // namespace slipstream::rocketmq_connector
