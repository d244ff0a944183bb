// 'connector' = 'rocketmq-admin': topics, queues, groups and lag of a cluster as tables that end.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::rocketmq_connector {

std::unique_ptr<ConnectorFactory> make_admin_factory();

}  // namespace slipstream::rocketmq_connector
