// The conformance suite against librdkafka's mock of a cluster.
#include "connector_kit/testing/source_conformance.h"
#include "connectors/kafka/kafka_connector.h"
#include "connectors/kafka/testing/mock_cluster.h"

namespace slipstream::testing {
namespace {

struct KafkaSystem {
  static constexpr bool kWakes = true;
  KafkaSystem() { cluster.create_topic("T", 2); }
  std::unique_ptr<ConnectorFactory> factory() { return kafka_connector::make_factory(); }
  OptionMap options() {
    return {{"topic", "T"},
            {"properties.bootstrap.servers", cluster.servers()},
            {"format", "json"},
            {"scan.startup.mode", "earliest-offset"}};
  }
  OptionMap dead_letter_options() { return {{"dead-letter.topic", "dead"}}; }
  void write(std::size_t part, const std::string& body) {
    cluster.write("T", {.body = body, .partition = static_cast<std::int32_t>(part)});
  }
  kafka_connector::testing::MockCluster cluster;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Kafka, SourceConformance, KafkaSystem);

}  // namespace
}  // namespace slipstream::testing
