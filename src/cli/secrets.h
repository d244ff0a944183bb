// --secrets: where the values come from that tables name.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"

namespace slipstream::cli {

// The library's connectors, whose tables may name secrets of the file, or of the environment;
// empty: of the environment only.
// Failure: the file cannot be used.
Result<std::unique_ptr<ConnectorRegistry>> connectors_with_secrets(const std::string& file);

}  // namespace slipstream::cli
