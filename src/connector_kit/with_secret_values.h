// Connectors whose tables may name secrets.
#pragma once

#include <memory>

#include "slipstream/connector.h"
#include "slipstream/secret_values.h"

namespace slipstream::connector_kit {

// `factory`, whose tables get the values of the secrets that their options name at the moment when a
// source, sink or lookup is made: the catalog keeps the names. What it says of itself, its table of
// dead letters, and the errors of it and of its readers, writers and committers, hold the names again.
std::unique_ptr<ConnectorFactory> with_secret_values(std::unique_ptr<ConnectorFactory> factory,
                                                     std::shared_ptr<const SecretValues> secrets);

}  // namespace slipstream::connector_kit
