#include "cli/builtin_connectors.h"

#include <cstdlib>

#include "connectors/blackhole/blackhole.h"
#include "connectors/datagen/datagen.h"
#include "connectors/filesystem/filesystem.h"
#include "connectors/print/print.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream::cli {

std::unique_ptr<ConnectorRegistry> builtin_connectors() {
  auto registry = std::make_unique<ConnectorRegistry>();
  const char* name_servers = std::getenv("SLIPSTREAM_NAMESERVER");
  registry->add(connectors::make_rocketmq_connector(name_servers == nullptr ? "" : name_servers));
  registry->add(connectors::make_datagen_connector());
  registry->add(connectors::make_filesystem_connector());
  registry->add(connectors::make_print_connector());
  registry->add(connectors::make_blackhole_connector());
  return registry;
}

}  // namespace slipstream::cli
