// The conformance suite against a scripted broker.
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

INSTANTIATE_TYPED_TEST_SUITE_P(RocketMq, SourceConformance, RocketMqSystem);

}  // namespace
}  // namespace slipstream::testing
