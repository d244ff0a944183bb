// The conformance suites over files.
#include <sstream>

#include "base/testing/temporary_folder.h"
#include "connector_kit/testing/lookup_conformance.h"
#include "connector_kit/testing/sink_conformance.h"
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

struct Files {
  std::unique_ptr<ConnectorFactory> factory() { return filesystem_connector::make_factory(); }
  OptionMap options() { return {{"path", folder.path()}, {"format", "json"}}; }
  void write(const std::string& body) { folder.append("rows", body + "\n"); }
  TemporaryFolder folder;
};

struct OutputFolder {
  std::unique_ptr<ConnectorFactory> factory() { return filesystem_connector::make_factory(); }
  OptionMap options() { return {{"path", folder.path()}, {"format", "json"}}; }
  OptionMap source_options() { return {{"source.monitor-interval", "1 s"}}; }
  std::vector<std::string> published() {
    std::vector<std::string> lines;
    for (const auto& [name, text] : folder.files()) {
      if (name.starts_with('.')) continue;  // being written
      std::istringstream in(text);
      for (std::string line; std::getline(in, line);) lines.push_back(line);
    }
    return lines;
  }
  TemporaryFolder folder;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Files, SourceConformance, FileSystem);
INSTANTIATE_TYPED_TEST_SUITE_P(Files, SinkConformance, OutputFolder);
INSTANTIATE_TYPED_TEST_SUITE_P(Files, LookupConformance, Files);

}  // namespace
}  // namespace slipstream::testing
