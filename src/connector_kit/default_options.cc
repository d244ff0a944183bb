#include "connector_kit/default_options.h"

#include <utility>

#include "connector_kit/factory_behind.h"

namespace slipstream::connector_kit {
namespace {

class WithDefaultOptions final : public FactoryBehind {
 public:
  WithDefaultOptions(std::unique_ptr<ConnectorFactory> factory, OptionMap defaults)
      : FactoryBehind(std::move(factory)), defaults_(std::move(defaults)) {}

  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    SourceRequest whole = request;
    complete(whole.table.options);
    return FactoryBehind::make_source(whole);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    SinkRequest whole = request;
    complete(whole.table.options);
    return FactoryBehind::make_sink(whole);
  }
  Result<std::unique_ptr<LookupSource>> make_lookup(const LookupRequest& request) const override {
    LookupRequest whole = request;
    complete(whole.table.options);
    return FactoryBehind::make_lookup(whole);
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

  const OptionMap defaults_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> with_default_options(std::unique_ptr<ConnectorFactory> factory,
                                                       OptionMap defaults) {
  return std::make_unique<WithDefaultOptions>(std::move(factory), std::move(defaults));
}

}  // namespace slipstream::connector_kit
