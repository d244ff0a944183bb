#include "connectors/kafka/kafka_connector.h"

#include "connectors/kafka/metadata_columns.h"
#include "connectors/kafka/metrics.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/source.h"
#include "connectors/kafka/split_codec.h"

namespace slipstream::kafka_connector {
namespace {

class KafkaConnector final : public ConnectorFactory {
 public:
  std::string_view name() const override { return "kafka"; }
  std::string_view description() const override { return "Topics of Apache Kafka."; }
  bool can_read() const override { return true; }
  bool can_write() const override { return false; }
  OptionTable options() const override { return kafka_options(); }
  std::vector<MetadataSpec> metadata() const override { return kafka_metadata(); }
  std::vector<std::string> identity_options() const override { return {"topic", "topic-pattern"}; }
  std::vector<MetricFamily> metrics() const override {
    return {kKafkaMetrics.begin(), kKafkaMetrics.end()};
  }
  std::optional<std::string> describe(const Split& split) const override {
    const auto position = decode_split(split);
    if (!position.ok()) return std::nullopt;
    std::string text =
        position->next < 0 ? std::string("first message") : std::to_string(position->next);
    if (position->end != kNoEnd) text += " of " + std::to_string(position->end);
    return text;
  }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    return make_topic_source(request);
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    return Error{ErrorCode::kUnsupported,
                 "table '" + request.table.name +
                     "': topics of Kafka can be read and not written; write to a table of "
                     "'connector' = 'rocketmq' or 'filesystem'"};
  }
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_factory() { return std::make_unique<KafkaConnector>(); }

}  // namespace slipstream::kafka_connector
