// 'connector' = 'rocketmq': topics as tables, read from any position, written at-least-once or
// exactly-once.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"

namespace slipstream::connectors {

// `name_servers` stands for the nameServerAddress of tables that give none; empty = they must.
std::unique_ptr<ConnectorFactory> make_rocketmq_connector(std::string name_servers = "");

}  // namespace slipstream::connectors
