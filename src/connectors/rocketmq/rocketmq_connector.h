// 'connector' = 'rocketmq': topics as tables, read from any position, written at-least-once or
// exactly-once.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::rocketmq_connector {

std::unique_ptr<ConnectorFactory> make_factory();

}  // namespace slipstream::rocketmq_connector
