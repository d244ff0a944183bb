// The DataStream programs of the page on ApsaraMQ for RocketMQ, in C++: the paid orders that were
// stored before STOP_MS (milliseconds since 1970) go from one topic to another, with their keys and
// tags.  mq_streams NAME_SERVERS SOURCE_TOPIC SINK_TOPIC STOP_MS
//
// The source is MetaQSource (4.x) with a stop time and BOUNDED, the sink RocketMQOutputFormat (5.x).
// docs/connectors/mq.md says which option each of their parameters is.
#include <iostream>
#include <optional>

#include "slipstream/stream.h"

using namespace slipstream::stream;

namespace {

struct Order {
  std::string body;
  std::optional<std::string> keys;
  std::optional<std::string> tags;
};
auto describe_row(const Order*) {
  return columns(column("body", &Order::body), column("keys", &Order::keys),
                 column("tags", &Order::tags));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: mq_streams NAME_SERVERS SOURCE_TOPIC SINK_TOPIC STOP_MS\n";
    return 2;
  }
  const TableDetails metadata{.metadata = {{"keys", "keys"}, {"tags", "tags"}}};

  Environment env({.name = "mq-streams"});
  env.from_connector<Order>("mq",
                            {{"endpoint", argv[1]},
                             {"topic", argv[2]},
                             {"consumerGroup", "mq_streams"},
                             {"tag", "paid"},
                             {"startTimeMs", "0"},
                             {"scan.bounded.mode", "timestamp"},
                             {"scan.bounded.timestamp-millis", argv[4]},
                             {"partitionDiscoveryIntervalMs", "300000"},
                             {"pullIntervalMs", "100"},
                             {"format", "raw"}},
                            metadata)
      .filter([](const Order& order) { return !order.body.empty(); })
      .map([](Order order) {
        order.body = "paid: " + order.body;
        return order;
      })
      .sink_to_connector("mq5",
                         {{"endpoint", argv[1]},
                          {"topic", argv[3]},
                          {"producerGroup", "mq_streams"},
                          {"format", "raw"}},
                         metadata);

  const slipstream::Status status = env.execute();
  if (status.ok()) return 0;
  std::cerr << "error: " << status.to_string() << '\n';
  return 1;
}
