// 'connector' = 'print': rows on standard output (or standard error), for looking at a stream.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::print_connector {

std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::print_connector
