#include <cstdlib>

#include "slipstream/connectors.h"

#include "connectors/blackhole/blackhole.h"
#include "connectors/datagen/datagen.h"
#include "connectors/filesystem/filesystem.h"
#include "connectors/print/print.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream {

std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers) {
  auto registry = std::make_unique<ConnectorRegistry>();
  if (const char* set = std::getenv("SLIPSTREAM_NAMESERVER");
      name_servers.empty() && set != nullptr)
    name_servers = set;
  registry->add(connectors::make_rocketmq_connector(std::move(name_servers)));
  registry->add(connectors::make_datagen_connector());
  registry->add(connectors::make_filesystem_connector());
  registry->add(connectors::make_print_connector());
  registry->add(connectors::make_blackhole_connector());
  return registry;
}

}  // namespace slipstream
