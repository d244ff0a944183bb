// The conformance suite, run by the message system of the tests.
#include "connector_kit/testing/memory_connector.h"
#include "connector_kit/testing/source_conformance.h"

namespace slipstream::testing {
namespace {

struct MemorySystem {
  static constexpr bool kWakes = true;
  std::unique_ptr<ConnectorFactory> factory() { return make_memory_connector(broker); }
  OptionMap options() { return {{"format", "json"}}; }
  OptionMap dead_letter_options() { return {}; }
  void write(std::size_t part, const std::string& body) { broker->append(part, body); }
  std::shared_ptr<MemoryBroker> broker = std::make_shared<MemoryBroker>(2);
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, SourceConformance, MemorySystem);

}  // namespace
}  // namespace slipstream::testing
