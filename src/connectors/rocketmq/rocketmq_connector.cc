#include "connectors/rocketmq/rocketmq_connector.h"

#include "connectors/rocketmq/metadata_columns.h"
#include "connectors/rocketmq/metrics.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/source_sink.h"
#include "connectors/rocketmq/split_codec.h"

namespace slipstream::rocketmq_connector {
namespace {

class RocketMqConnector final : public ConnectorFactory {
 public:
  std::string_view name() const override { return "rocketmq"; }
  std::string_view description() const override { return "Topics of Apache RocketMQ 4.x and 5.x."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  OptionTable options() const override { return rocketmq_options(); }
  std::vector<MetadataSpec> metadata() const override { return rocketmq_metadata(); }
  std::vector<std::string> identity_options() const override { return {"topic", "topic-pattern"}; }
  std::vector<MetricFamily> metrics() const override {
    return {kRocketmqMetrics.begin(), kRocketmqMetrics.end()};
  }
  std::optional<std::string> describe(const Split& split) const override {
    const auto queue = decode_split(split);
    if (!queue.ok()) return std::nullopt;
    std::string text =
        queue->next == kFirstOffset ? std::string("first message") : std::to_string(queue->next);
    if (queue->end != kNoEnd) text += " of " + std::to_string(queue->end);
    return text;
  }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return make_queue_source(request);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return make_queue_sink(request);
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<RocketMqConnector>(); }

}  // namespace slipstream::rocketmq_connector
