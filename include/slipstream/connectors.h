// The connectors of the library.
#pragma once

#include <memory>
#include <string>

#include "slipstream/connector.h"
#include "slipstream/secret_values.h"

namespace slipstream {

// Those of docs/connectors/README.md that were built. `name_servers` is what a RocketMQ table
// without a name server gets; empty = $SLIPSTREAM_NAMESERVER.
// Their tables may name `secrets`.
std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers = {},
                                                      SecretValues secrets = {});

}  // namespace slipstream
