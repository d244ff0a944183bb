#include <cstdlib>

#include "slipstream/connectors.h"

#include "connector_kit/default_options.h"
#include "connector_kit/with_secret_values.h"
#include "connectors/builtin_factories.h"

namespace slipstream {

std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers,
                                                      SecretValues secrets) {
  if (const char* set = std::getenv("SLIPSTREAM_NAMESERVER");
      name_servers.empty() && set != nullptr)
    name_servers = set;
  const auto values = std::make_shared<const SecretValues>(std::move(secrets));
  auto registry = std::make_unique<ConnectorRegistry>();
  for (std::unique_ptr<ConnectorFactory>& factory : connectors::builtin_factories()) {
    if (factory->name() == "rocketmq" && !name_servers.empty()) {
      factory = connector_kit::with_default_options(std::move(factory),
                                                    {{"nameServerAddress", name_servers}});
    }
    registry->add(connector_kit::with_secret_values(std::move(factory), values));
  }
  return registry;
}

}  // namespace slipstream
