#include <string>
#include <vector>

#include "slipstream/connector.h"

#include "base/suggest.h"

namespace slipstream {

Schema rejected_schema() {
  Schema schema;
  schema.add("body", Type::bytes());
  schema.add("reason", Type::string());
  schema.add("split", Type::string());
  schema.add("position", Type::string());
  schema.add("metadata", Type::map(Type::string(), Type::string()));
  return schema;
}

std::string_view guarantee_name(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::kNone:
      return "none";
    case Guarantee::kAtLeastOnce:
      return "at-least-once";
    case Guarantee::kExactlyOnce:
      break;
  }
  return "exactly-once";
}

Result<std::unique_ptr<LookupSource>> ConnectorFactory::make_lookup(
    const LookupRequest& request) const {
  return Error{ErrorCode::kUnsupported, "table '" + request.table.name +
                                            "': rows cannot be looked up by key in connector '" +
                                            std::string(name()) + "'"};
}

void ConnectorRegistry::add(std::unique_ptr<const ConnectorFactory> factory) {
  factories_.push_back(std::move(factory));
}

void ConnectorRegistry::add_all(const ConnectorRegistry& other) {
  factories_.insert(factories_.end(), other.factories_.begin(), other.factories_.end());
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
