// The connectors that this build has: builtin_factories.cc is made from SLIPSTREAM_CONNECTORS.
#pragma once

#include <memory>
#include <vector>

#include "slipstream/connector.h"

namespace slipstream::connectors {

std::vector<std::unique_ptr<ConnectorFactory>> builtin_factories();

}  // namespace slipstream::connectors
