// Options that the program gives to every table of a connector.
#pragma once

#include <memory>

#include "slipstream/connector.h"

namespace slipstream::connector_kit {

// `factory`, whose tables get `defaults` where they say nothing themselves, by name or alias.
std::unique_ptr<ConnectorFactory> with_default_options(std::unique_ptr<ConnectorFactory> factory,
                                                       OptionMap defaults);

}  // namespace slipstream::connector_kit
