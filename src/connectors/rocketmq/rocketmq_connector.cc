#include "connectors/rocketmq/rocketmq_connector.h"

#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/source_sink.h"

namespace slipstream::connectors {
namespace {

class RocketMqConnector final : public ConnectorFactory {
 public:
  explicit RocketMqConnector(std::string name_servers) : name_servers_(std::move(name_servers)) {}

  std::string_view name() const override { return "rocketmq"; }
  std::string_view description() const override { return "Topics of Apache RocketMQ 4.x and 5.x."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return rocketmq_options(); }
  std::vector<MetadataSpec> metadata() const override { return rocketmq_metadata(); }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return make_queue_source(completed(request));
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return make_queue_sink(completed(request));
  }

 private:
  template <typename Request>
  Request completed(const Request& request) const {
    Request whole = request;
    const OptionTable known = options();
    bool given = name_servers_.empty();
    for (const auto& [name, value] : request.table.options) {
      const OptionSpec* spec = known.find(name);
      given = given || (spec != nullptr && spec->name == kNameServers);
    }
    if (!given) whole.table.options[std::string(kNameServers)] = name_servers_;
    return whole;
  }

  static constexpr std::string_view kNameServers = "nameServerAddress";
  const std::string name_servers_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_rocketmq_connector(std::string name_servers) {
  return std::make_unique<RocketMqConnector>(std::move(name_servers));
}

}  // namespace slipstream::connectors
