#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "base/suggest.h"

namespace slipstream {

Schema rejected_schema() {
  Schema schema;
  schema.add("body", Type::bytes());
  schema.add("reason", Type::string());
  schema.add("topic", Type::string());
  schema.add("broker", Type::string());
  schema.add("queue_id", Type::integer());
  schema.add("queue_offset", Type::bigint());
  return schema;
}

void ConnectorRegistry::add(std::unique_ptr<ConnectorFactory> factory) {
  factories_.push_back(std::move(factory));
}

Result<const ConnectorFactory*> ConnectorRegistry::find(std::string_view name) const {
  std::vector<std::string> names;
  std::string list;
  for (const auto& factory : factories_) {
    if (factory->name() == name) return factory.get();
    names.emplace_back(factory->name());
    list += (list.empty() ? "" : ", ") + names.back();
  }
  return Error{ErrorCode::kNotFound, "no connector '" + std::string(name) + "'" +
                                         did_you_mean(name, names) +
                                         (list.empty() ? "" : " (there are: " + list + ")")};
}

std::vector<const ConnectorFactory*> ConnectorRegistry::all() const {
  std::vector<const ConnectorFactory*> all;
  for (const auto& factory : factories_) all.push_back(factory.get());
  return all;
}

}  // namespace slipstream
