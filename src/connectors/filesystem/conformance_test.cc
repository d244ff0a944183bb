// The conformance suite over files.
#include "base/testing/temporary_folder.h"
#include "connector_kit/testing/source_conformance.h"
#include "connectors/filesystem/filesystem_connector.h"

namespace slipstream::testing {
namespace {

struct FileSystem {
  static constexpr bool kWakes = false;  // a new file is found by the enumerator
  std::unique_ptr<ConnectorFactory> factory() { return filesystem_connector::make_factory(); }
  OptionMap options() {
    return {{"path", folder.path()}, {"format", "json"}, {"source.monitor-interval", "1 s"}};
  }
  OptionMap dead_letter_options() { return {{"dead-letter.path", letters.path()}}; }
  void write(std::size_t part, const std::string& body) {
    folder.append("part-" + std::to_string(part), body + "\n");
  }
  TemporaryFolder folder;
  TemporaryFolder letters;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Files, SourceConformance, FileSystem);

}  // namespace
}  // namespace slipstream::testing
