// slipstream connectors, functions, settings, metrics: what there is, from the registries
// themselves.
#pragma once

#include <string>

namespace slipstream::cli {

// All of them, a line each; or one, in full, as Markdown. An unknown name is an error with the
// nearest one.
int connectors_command(const std::string& name);
int functions_command(const std::string& name);
int settings_command(const std::string& name);
int metrics_command(const std::string& name);

}  // namespace slipstream::cli
