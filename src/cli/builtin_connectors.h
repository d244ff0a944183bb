// Every connector that the program knows.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::cli {

std::unique_ptr<ConnectorRegistry> builtin_connectors();

}  // namespace slipstream::cli
