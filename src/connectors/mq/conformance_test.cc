// The conformance suites for tables of ApsaraMQ, against a scripted broker.
#include "connector_kit/testing/sink_conformance.h"
#include "connector_kit/testing/source_conformance.h"
#include "connectors/mq/mq_connector.h"
#include "connectors/rocketmq/rocketmq_connector.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::testing {
namespace {

struct MqInput {
  static constexpr bool kWakes = true;
  MqInput() { broker.create_topic("MQ_INST_1%T", 2); }
  std::unique_ptr<ConnectorFactory> factory() {
    return mq_connector::make_mq_factory(rocketmq_connector::make_factory());
  }
  OptionMap options() {
    return {{"topic", "T"},
            {"endpoint", broker.name_server()},
            {"instanceID", "MQ_INST_1"},
            {"consumerGroup", "g"},
            {"pullIntervalMs", "1"},
            {"format", "json"},
            {"scan.startup.mode", "earliest"}};
  }
  OptionMap dead_letter_options() { return {{"dead-letter.topic", "dead"}}; }
  void write(std::size_t part, const std::string& body) {
    broker.append({"MQ_INST_1%T", "broker-a", static_cast<std::int32_t>(part)}, body);
  }
  rocketmq::testing::ScriptedBroker broker;
};

struct Mq5Output {
  Mq5Output() { broker.create_topic("T", 2); }
  std::unique_ptr<ConnectorFactory> factory() {
    return mq_connector::make_mq5_factory(rocketmq_connector::make_factory());
  }
  OptionMap options() {
    return {{"topic", "T"},
            {"endpoint", broker.name_server()},
            {"producerGroup", "p"},
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

INSTANTIATE_TYPED_TEST_SUITE_P(Mq, SourceConformance, MqInput);
INSTANTIATE_TYPED_TEST_SUITE_P(Mq5, SinkConformance, Mq5Output);

}  // namespace
}  // namespace slipstream::testing
