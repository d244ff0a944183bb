// The connectors of the library.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"

namespace slipstream {

// rocketmq, filesystem, datagen, print, blackhole. `name_servers` is what a RocketMQ table without
// a name server gets; empty = $SLIPSTREAM_NAMESERVER.
std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers = {});

}  // namespace slipstream
