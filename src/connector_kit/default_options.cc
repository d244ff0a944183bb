#include "connector_kit/default_options.h"

#include <utility>

namespace slipstream::connector_kit {
namespace {

class WithDefaultOptions final : public ConnectorFactory {
 public:
  WithDefaultOptions(std::unique_ptr<ConnectorFactory> factory, OptionMap defaults)
      : factory_(std::move(factory)), defaults_(std::move(defaults)) {}

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
    SourceRequest whole = request;
    complete(whole.table.options);
    return factory_->make_source(whole);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    SinkRequest whole = request;
    complete(whole.table.options);
    return factory_->make_sink(whole);
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    LookupRequest whole = request;
    complete(whole.table.options);
    return factory_->make_lookup(whole);
  }

 private:
  void complete(OptionMap& given) const {
    const OptionTable known = options();
    OptionMap missing = defaults_;
    for (const auto& [name, value] : given) {
      if (const OptionSpec* spec = known.find(name)) missing.erase(spec->name);
    }
    given.merge(missing);
  }

  const std::unique_ptr<ConnectorFactory> factory_;
  const OptionMap defaults_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> with_default_options(std::unique_ptr<ConnectorFactory> factory,
                                                       OptionMap defaults) {
  return std::make_unique<WithDefaultOptions>(std::move(factory), std::move(defaults));
}

}  // namespace slipstream::connector_kit
