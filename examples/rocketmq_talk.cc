// The job of the 2018 talk on RocketMQ and Flink: the province of each address, from the topic
// flink-source to flink-sink, key and value as plain text.  rocketmq_talk NAME_SERVERS
#include <iostream>
#include <map>

#include "slipstream/stream.h"
#include "slipstream/stream/rocketmq.h"

#include "until_signal.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: rocketmq_talk NAME_SERVERS\n";
    return 2;
  }
  using Fields = std::map<std::string, std::string>;
  const Properties consumer{{RocketMQConfig::kNameServerAddress, argv[1]},
                            {RocketMQConfig::kConsumerGroup, "talk_consumers"},
                            {RocketMQConfig::kConsumerTopic, "flink-source"},
                            {RocketMQConfig::kConsumerOffsetResetTo, "earliest"}};
  const Properties producer{{RocketMQConfig::kNameServerAddress, argv[1]}};

  Environment env({.name = "talk", .parallelism = 2, .checkpoint_interval = 3s});
  env.add_source(
         RocketMQSourceFunction(SimpleKeyValueDeserializationSchema("id", "address"), consumer))
      .map([](Fields fields) {
        const std::string address = fields["address"];
        const std::size_t comma = address.rfind(", ");
        fields["province"] = comma == std::string::npos ? "unknown" : address.substr(comma + 2);
        return fields;
      })
      .add_sink(RocketMQSink(SimpleKeyValueSerializationSchema("id", "province"),
                             DefaultTopicSelector("flink-sink"), producer)
                    .with_batch_flush_on_checkpoint(true));

  auto job = env.execute_async();
  if (job.ok()) return wait_until_signal(*job);
  std::cerr << "error: " << job.status().to_string() << '\n';
  return 1;
}
