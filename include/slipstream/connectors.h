// The connectors of the library.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/secret_values.h"

namespace slipstream {

// rocketmq, mq, mq5, filesystem, datagen, print, blackhole. `name_servers` is what a RocketMQ table without
// a name server gets; empty = $SLIPSTREAM_NAMESERVER.
// Their tables may name `secrets`.
std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers = {},
                                                      SecretValues secrets = {});

}  // namespace slipstream
