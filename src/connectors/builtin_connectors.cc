#include <cstdlib>
#include <string_view>

#include "slipstream/connectors.h"

#include "connector_kit/default_options.h"
#include "connector_kit/with_secret_values.h"
#include "connectors/builtin_factories.h"

namespace slipstream {
namespace {

// The option for name servers; null for connectors without.
const char* place_option(std::string_view connector) {
  if (connector == "rocketmq" || connector == "rocketmq-admin") return "nameServerAddress";
  return connector == "mq" || connector == "mq5" ? "endPoint" : nullptr;
}

}  // namespace

std::unique_ptr<ConnectorRegistry> builtin_connectors(std::string name_servers,
                                                      SecretValues secrets) {
  if (const char* set = std::getenv("SLIPSTREAM_NAMESERVER");
      name_servers.empty() && set != nullptr)
    name_servers = set;
  const auto values = std::make_shared<const SecretValues>(std::move(secrets));
  auto registry = std::make_unique<ConnectorRegistry>();
  for (std::unique_ptr<ConnectorFactory>& factory : connectors::builtin_factories()) {
    const char* place = place_option(factory->name());
    if (place != nullptr && !name_servers.empty())
      factory = connector_kit::with_default_options(std::move(factory), {{place, name_servers}});
    registry->add(connector_kit::with_secret_values(std::move(factory), values));
  }
  return registry;
}

}  // namespace slipstream
