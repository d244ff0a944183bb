// 'connector' = 'print': rows on standard output (or standard error), for looking at a stream.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::connectors {

std::unique_ptr<ConnectorFactory> make_print_connector();

}  // namespace slipstream::connectors
