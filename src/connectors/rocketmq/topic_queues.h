// The queues that a writer spreads its messages over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/clock.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/producer.h"

#include "connectors/rocketmq/settings.h"

namespace slipstream::rocketmq_connector {

// Owner:  a writer.
// Thread: task; the first question for a topic blocks for its route.
// Bounds: kTopicsMax topics.
class TopicQueues {
 public:
  // `fixed`: the queues of a topic never change here, so that a key keeps its queue.
  TopicQueues(rocketmq::Client& client, rocketmq::Producer& producer, const SinkSettings& settings,
              bool fixed, const Clock& clock)
      : client_(client), producer_(producer), settings_(settings), fixed_(fixed), clock_(clock) {}

  struct Topic {
    std::vector<rocketmq::MessageQueue> queues;  // not empty
    std::size_t turn = 0;
    std::int64_t asked_ms = 0;
    const rocketmq::MessageQueue& current() const { return queues[turn % queues.size()]; }
  };
  // Once per batch of rows: how old routes are is judged by this moment.
  void read_clock() { now_ms_ = clock_.now_ms(); }
  // A topic that does not exist is created where the cluster does so by itself.
  // Failure: kNotFound and kPermissionDenied name the topic, kDataError one that only rows name;
  //          kUnavailable, retryable, while its brokers are away.
  Result<Topic*> find(std::string_view topic);

 private:
  Status create_for_rows(std::string_view topic);
  Status refuse_static_topic(std::string_view topic);

  rocketmq::Client& client_;
  rocketmq::Producer& producer_;
  const SinkSettings& settings_;
  const bool fixed_;
  const Clock& clock_;
  std::int64_t now_ms_ = clock_.now_ms();
  std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace slipstream::rocketmq_connector
