#include "cli/builtin_connectors.h"

#include "connectors/blackhole/blackhole.h"
#include "connectors/datagen/datagen.h"
#include "connectors/print/print.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream::cli {

std::unique_ptr<ConnectorRegistry> builtin_connectors() {
  auto registry = std::make_unique<ConnectorRegistry>();
  registry->add(connectors::make_rocketmq_connector());
  registry->add(connectors::make_datagen_connector());
  registry->add(connectors::make_print_connector());
  registry->add(connectors::make_blackhole_connector());
  return registry;
}

}  // namespace slipstream::cli
