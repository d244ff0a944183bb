// The conformance suites, run by the message system of the tests.
#include "connector_kit/testing/memory_connector.h"
#include "connector_kit/testing/sink_conformance.h"
#include "connector_kit/testing/source_conformance.h"

namespace slipstream::testing {
namespace {

struct MemorySystem {
  static constexpr bool kWakes = true;
  std::unique_ptr<ConnectorFactory> factory() { return make_memory_connector(broker); }
  OptionMap options() { return {{"format", "json"}}; }
  OptionMap dead_letter_options() { return {}; }
  OptionMap source_options() { return {}; }
  std::vector<std::string> published() {
    std::int64_t end = 0;
    std::vector<std::string> all;
    for (std::size_t part = 0; part < broker->partitions(); ++part) {
      for (std::string& body : broker->fetch(part, 0, 1'000'000, &end))
        all.push_back(std::move(body));
    }
    return all;
  }
  void write(std::size_t part, const std::string& body) { broker->append(part, body); }
  std::shared_ptr<MemoryBroker> broker = std::make_shared<MemoryBroker>(2);
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, SourceConformance, MemorySystem);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, SinkConformance, MemorySystem);

}  // namespace
}  // namespace slipstream::testing
