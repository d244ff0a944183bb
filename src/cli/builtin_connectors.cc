#include "cli/builtin_connectors.h"

#include "slipstream/connectors.h"

namespace slipstream::cli {

std::unique_ptr<ConnectorRegistry> builtin_connectors() { return slipstream::builtin_connectors(); }

}  // namespace slipstream::cli
