// The DataStream programs of the page on ApsaraMQ for RocketMQ whose functions get and give lists of
// messages: the schema of a source is called with what was pulled of a queue, the sink gets lists and
// sends each as a batch.  mq_lists NAME_SERVERS SOURCE_TOPIC SINK_TOPIC STOP_MS
//
// MetaQSource's parameters are the properties and setters of the source: topic, group, tag, start, the
// stop time (milliseconds since 1970) that bounds it, and how often new queues are looked for.
#include <iostream>
#include <span>

#include "slipstream/stream.h"
#include "slipstream/stream/rocketmq.h"

using namespace slipstream::stream;

namespace {

// List<MessageExt> -> List<MessageExt>
class PaidOrders final : public MessageListDeserializationSchema<MessageList> {
 public:
  void deserialize(std::span<const SourceMessage> messages, Collector<MessageList>& out) override {
    MessageList list;
    for (const SourceMessage& message : messages) {
      if (!message.body().empty()) list.push_back(message.to_message());
    }
    out.collect(std::move(list));
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: mq_lists NAME_SERVERS SOURCE_TOPIC SINK_TOPIC STOP_MS\n";
    return 2;
  }
  const Properties consumer{{RocketMQConfig::kNameServerAddress, argv[1]},
                            {RocketMQConfig::kConsumerGroup, "mq_lists"},
                            {RocketMQConfig::kConsumerTopic, argv[2]},
                            {RocketMQConfig::kConsumerTag, "paid"},
                            {RocketMQConfig::kNameServerPollInterval, "300000"},
                            {RocketMQConfig::kConsumerBatchSize, "8"}};
  const Properties producer{{RocketMQConfig::kNameServerAddress, argv[1]},
                            {RocketMQConfig::kProducerGroup, "mq_lists"},
                            {RocketMQConfig::kProducerTopic, argv[3]}};

  RocketMQSourceFunction source(PaidOrders(), consumer);
  source.set_start_from_earliest().set_stop_at_time_stamp(std::stoll(argv[4]));

  Environment env({.name = "mq-lists"});
  env.add_source(source, "orders")
      .map([](MessageList orders) {
        for (slipstream::rocketmq::Message& order : orders) order.body = "paid: " + order.body;
        return orders;
      })
      .add_sink(RocketMQSink<MessageList>(producer));

  const slipstream::Status status = env.execute();
  if (status.ok()) return 0;
  std::cerr << "error: " << status.to_string() << '\n';
  return 1;
}
