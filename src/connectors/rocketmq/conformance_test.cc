// The conformance suites against a scripted broker.
#include "connector_kit/testing/sink_conformance.h"
#include "connector_kit/testing/source_conformance.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::testing {
namespace {

struct RocketMqSystem {
  static constexpr bool kWakes = true;
  RocketMqSystem() { broker.create_topic("T", 2); }
  std::unique_ptr<ConnectorFactory> factory() { return rocketmq_connector::make_factory(); }
  OptionMap options() {
    return {{"topic", "T"},
            {"nameServerAddress", broker.name_server()},
            {"consumerGroup", "g"},
            {"format", "json"},
            {"scan.startup.mode", "earliest"}};
  }
  OptionMap dead_letter_options() { return {{"dead-letter.topic", "dead"}}; }
  void write(std::size_t part, const std::string& body) {
    broker.append({"T", "broker-a", static_cast<std::int32_t>(part)}, body);
  }
  rocketmq::testing::ScriptedBroker broker;
};

// The table is written here, and read when its options say more.
struct RocketMqOutput {
  RocketMqOutput() { broker.create_topic("T", 2); }
  std::unique_ptr<ConnectorFactory> factory() { return rocketmq_connector::make_factory(); }
  OptionMap options() {
    return {{"topic", "T"},
            {"nameServerAddress", broker.name_server()},
            {"format", "json"},
            {"sink.fence-wait", "0 s"}};
  }
  OptionMap source_options() { return {{"consumerGroup", "g"}}; }
  std::vector<std::string> published() {
    std::vector<std::string> all;
    for (std::int32_t queue = 0; queue < 2; ++queue) {
      for (const auto& message : broker.messages({"T", "broker-a", queue}))
        all.push_back(message.body);
    }
    return all;
  }
  rocketmq::testing::ScriptedBroker broker;
};

INSTANTIATE_TYPED_TEST_SUITE_P(RocketMq, SourceConformance, RocketMqSystem);
INSTANTIATE_TYPED_TEST_SUITE_P(RocketMq, SinkConformance, RocketMqOutput);

}  // namespace
}  // namespace slipstream::testing
