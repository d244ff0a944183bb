// A connector behind another one that changes some of what it says or makes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/connector/registry.h"

namespace slipstream::connector_kit {

// Hands all calls on; who stands in front overrides those that it changes. Whatever the contract gets
// next is added here once.
class FactoryBehind : public ConnectorFactory {
 public:
  explicit FactoryBehind(std::shared_ptr<const ConnectorFactory> factory)
      : factory_(std::move(factory)) {}

  std::string_view name() const override { return factory_->name(); }
  std::string_view description() const override { return factory_->description(); }
  bool can_read() const override { return factory_->can_read(); }
  bool can_write() const override { return factory_->can_write(); }
  OptionTable options() const override { return factory_->options(); }
  std::vector<MetadataSpec> metadata() const override { return factory_->metadata(); }
  std::vector<MetricFamily> metrics() const override { return factory_->metrics(); }
  std::vector<std::string> identity_options() const override {
    return factory_->identity_options();
  }
  bool gives_watermarks() const override { return factory_->gives_watermarks(); }
  std::optional<std::string> describe(const Split& split) const override {
    return factory_->describe(split);
  }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return factory_->make_source(request);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return factory_->make_sink(request);
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    return factory_->make_lookup(request);
  }

 private:
  const std::shared_ptr<const ConnectorFactory> factory_;
};

}  // namespace slipstream::connector_kit
