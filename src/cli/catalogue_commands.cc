#include "cli/catalogue_commands.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <vector>

#include "slipstream/connectors.h"

#include "base/suggest.h"
#include "cli/report.h"
#include "cli/run_command.h"
#include "expr/function.h"
#include "flow/metrics.h"
#include "server/metrics.h"
#include "sql/settings/flink_settings.h"
#include "sql/settings/session_options.h"

namespace slipstream::cli {
namespace {

int unknown(const char* kind, const std::string& name, const std::vector<std::string>& known) {
  const auto near = nearest_name(name, known);
  std::cerr << "error: no " << kind << " '" << name << "'"
            << (near ? "; did you mean '" + *near + "'?" : "") << '\n';
  return kExitUsage;
}

void print_metadata(const ConnectorFactory& factory) {
  const std::vector<MetadataSpec> metadata = factory.metadata();
  if (metadata.empty()) return;
  std::cout << "\n| metadata key | type | read | written | |\n|---|---|---|---|---|\n";
  for (const MetadataSpec& spec : metadata) {
    std::cout << "| `" << spec.key << "` | " << spec.type.to_string() << " | "
              << (spec.readable ? "yes" : "") << " | " << (spec.writable ? "yes" : "") << " | "
              << spec.description << " |\n";
  }
}

// By name as it is served, each once; the engine's own first.
std::vector<std::pair<std::string, MetricFamily>> metrics() {
  std::vector<std::pair<std::string, MetricFamily>> all;
  const auto add = [&all](const auto& families) {
    for (const MetricFamily& family : families) {
      const std::string name = "slipstream_" + std::string(family.name);
      const bool known =
          std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.first == name; });
      if (!known) all.emplace_back(name, family);
    }
  };
  add(flow::kEngineMetrics);
  const auto registry = builtin_connectors();
  for (const ConnectorFactory* factory : registry->all()) add(factory->metrics());
  add(server::kServerMetrics);
  return all;
}

// Name -> how it is called and what it does.
std::map<std::string, std::pair<std::string, std::string>> functions() {
  std::map<std::string, std::pair<std::string, std::string>> all;
  for (const expr::Function* function : expr::all_functions())
    all[function->name] = {function->usage, function->description};
  for (const expr::AggregateFunction* function : expr::all_aggregates())
    all[function->name] = {function->usage, function->description};
  return all;
}

}  // namespace

int connectors_command(const std::string& name) {
  const auto registry = builtin_connectors();
  if (name.empty()) {
    for (const ConnectorFactory* factory : registry->all())
      std::cout << factory->name() << "  " << factory->description() << '\n';
    return kExitOk;
  }
  const auto factory = registry->find(name);
  if (!factory.ok()) {
    std::cerr << "error: " << factory.error().message << '\n';
    return kExitUsage;
  }
  std::cout << (*factory)->options().to_markdown();
  print_metadata(**factory);
  return kExitOk;
}

int functions_command(const std::string& name) {
  const auto all = functions();
  if (name.empty()) {
    for (const auto& [key, text] : all) std::cout << key << '\n';
    return kExitOk;
  }
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto found = all.find(upper);
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const auto& [key, text] : all) names.push_back(key);
    return unknown("function", upper, names);
  }
  std::cout << found->second.first << "\n  " << found->second.second << '\n';
  return kExitOk;
}

int settings_command(const std::string& name) {
  const OptionTable options = sql::session_options();
  if (name.empty()) {
    std::cout << options.to_markdown() << '\n' << sql::to_markdown(sql::flink_settings());
    return kExitOk;
  }
  if (const OptionSpec* spec = options.find(name)) {
    std::cout << OptionTable({*spec}).to_markdown();
    return kExitOk;
  }
  if (const sql::FlinkSetting* flink = sql::find_flink_setting(name)) {
    std::cout << sql::to_markdown({flink, 1});
    return kExitOk;
  }
  std::vector<std::string> names;
  for (const OptionSpec& spec : options.specs()) names.push_back(spec.name);
  return unknown("setting", name, names);
}

int metrics_command(const std::string& name) {
  const auto all = metrics();
  std::vector<std::string> names;
  for (const auto& [key, family] : all) names.push_back(key);
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    return unknown("metric", name, names);
  std::cout << "| metric | labels | |\n|---|---|---|\n";
  for (const auto& [key, family] : all) {
    if (!name.empty() && key != name) continue;
    std::cout << "| `" << key << "` | " << family.labels << " | " << family.help << " |\n";
  }
  return kExitOk;
}

}  // namespace slipstream::cli
