#include "connectors/mq/mq_connector.h"

#include <utility>

#include "base/try.h"
#include "connectors/mq/mq_options.h"
#include "connectors/mq/translate.h"

namespace slipstream::mq_connector {
namespace {

class MqConnector final : public ConnectorFactory {
 public:
  MqConnector(Product product, std::unique_ptr<ConnectorFactory> rocketmq)
      : product_(product), rocketmq_(std::move(rocketmq)) {}

  std::string_view name() const override { return name_of(product_); }
  std::string_view description() const override {
    return product_ == Product::kMq
               ? "Topics of RocketMQ 4.x, under the options of ApsaraMQ for RocketMQ."
               : "Topics of RocketMQ 5.x, under the options of ApsaraMQ for RocketMQ.";
  }
  bool can_read() const override { return true; }
  bool can_write() const override { return true; }
  // Not kept: most programs have no table of this connector.
  OptionTable options() const override { return options_of(product_, rocketmq_->options()); }
  std::vector<MetadataSpec> metadata() const override { return rocketmq_->metadata(); }
  std::vector<MetricFamily> metrics() const override { return rocketmq_->metrics(); }
  std::vector<std::string> identity_options() const override {
    return product_ == Product::kMq
               ? std::vector<std::string>{"instanceID", "topic", "topic-pattern"}
               : std::vector<std::string>{"topic", "topic-pattern"};
  }
  std::optional<std::string> describe(const Split& split) const override {
    return rocketmq_->describe(split);
  }
  Result<std::unique_ptr<Source>> make_source(const SourceRequest& request) const override {
    SourceRequest translated = request;
    TRY_ASSIGN(translated.table,
               to_rocketmq(request.table, product_, OptionScope::kSource, options()));
    auto made = rocketmq_->make_source(translated);
    if (!made.ok()) return in_own_words(made.error());
    return made;
  }
  Result<std::unique_ptr<Sink>> make_sink(const SinkRequest& request) const override {
    SinkRequest translated = request;
    TRY_ASSIGN(translated.table,
               to_rocketmq(request.table, product_, OptionScope::kSink, options()));
    auto made = rocketmq_->make_sink(translated);
    if (!made.ok()) return in_own_words(made.error());
    return made;
  }

 private:
  const Product product_;
  const std::unique_ptr<ConnectorFactory> rocketmq_;
};

}  // namespace

std::unique_ptr<ConnectorFactory> make_mq_factory(std::unique_ptr<ConnectorFactory> rocketmq) {
  return std::make_unique<MqConnector>(Product::kMq, std::move(rocketmq));
}

std::unique_ptr<ConnectorFactory> make_mq5_factory(std::unique_ptr<ConnectorFactory> rocketmq) {
  return std::make_unique<MqConnector>(Product::kMq5, std::move(rocketmq));
}

}  // namespace slipstream::mq_connector
