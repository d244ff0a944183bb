// 'connector' = 'blackhole': takes every row and forgets it; for measuring what comes before a
// sink.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::blackhole_connector {

std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::blackhole_connector
