// The conformance suites against a real RocketMQ: SLIPSTREAM_TEST_NAME_SERVER=host:port; skipped
// without it.
#include <cstdlib>
#include <random>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "connector_kit/testing/sink_conformance.h"
#include "connector_kit/testing/source_conformance.h"
#include "connectors/rocketmq/rocketmq_connector.h"

namespace slipstream::testing {
namespace {

// A topic of two queues on one broker, for one test.
class LiveTopic {
 public:
  LiveTopic() {
    const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
    if (address == nullptr) return;
    address_ = address;
    auto connected =
        rocketmq::Client::connect({.name_servers = address_, .call_timeout_ms = 10'000});
    CHECK(connected.ok());
    client_ = std::move(*connected);
    name_ = "conformance_" + std::to_string(std::random_device{}());
    rocketmq::Admin admin(*client_);
    CHECK(admin.wait_for_brokers().ok());
    CHECK(admin.create_topic({.topic = name_, .read_queues = 2, .write_queues = 2}).ok());
    queues_ = admin.describe_topic(name_)->readable_queues();
    CHECK(queues_.size() == 2);
    producer_ = std::make_unique<rocketmq::Producer>(*client_, rocketmq::ProducerOptions{});
  }
  ~LiveTopic() {
    producer_.reset();
    if (client_) static_cast<void>(rocketmq::Admin(*client_).delete_topic(name_));
  }
  LiveTopic(const LiveTopic&) = delete;
  LiveTopic& operator=(const LiveTopic&) = delete;

  const char* skipped() const {
    return client_ ? nullptr : "SLIPSTREAM_TEST_NAME_SERVER is not set";
  }
  const std::string& name() const { return name_; }
  OptionMap options() const {
    return {{"topic", name_}, {"nameServerAddress", address_}, {"format", "json"}};
  }
  // Returns when readers can see it.
  void write(std::size_t queue, const std::string& body) {
    rocketmq::Message message;
    message.topic = name_;
    message.body = body;
    message.queue = queues_[queue];
    const auto sent = producer_->send_and_wait(std::move(message));
    EXPECT_TRUE(sent.stored()) << sent.error.to_string();
    const Status readable = rocketmq::Admin(*client_).await_dispatch(name_, 30'000);
    EXPECT_TRUE(readable.ok()) << readable.to_string();
  }
  std::vector<std::string> bodies() {
    const auto bounds = rocketmq::Admin(*client_).bounds(name_);
    EXPECT_TRUE(bounds.ok()) << bounds.status().to_string();
    rocketmq::ConsumerOptions options;
    options.group = name_;
    options.member = false;
    rocketmq::Consumer consumer(*client_, options);
    std::size_t expected = 0;
    for (const rocketmq::OffsetRange& range : *bounds) {
      expected += static_cast<std::size_t>(range.max_offset - range.min_offset);
      EXPECT_TRUE(consumer.assign(range.queue, rocketmq::StartPosition::earliest()).ok());
    }
    std::vector<std::string> all;
    EXPECT_TRUE(wait_until([&] {
      if (all.size() >= expected) return true;
      const auto received = consumer.receive(100);
      EXPECT_TRUE(received.ok()) << received.status().to_string();
      for (const rocketmq::ReceivedMessage& message : *received) all.push_back(message.body);
      return !received.ok() || all.size() >= expected;
    }));
    return all;
  }

 private:
  std::string address_;
  std::string name_;
  std::unique_ptr<rocketmq::Client> client_;
  std::vector<rocketmq::MessageQueue> queues_;
  std::unique_ptr<rocketmq::Producer> producer_;
};

struct LiveInput {
  static constexpr bool kWakes = true;
  const char* skipped() const { return topic.skipped(); }
  std::unique_ptr<ConnectorFactory> factory() { return rocketmq_connector::make_factory(); }
  OptionMap options() {
    OptionMap all = topic.options();
    all.insert({{"consumerGroup", topic.name()}, {"scan.startup.mode", "earliest"}});
    return all;
  }
  OptionMap dead_letter_options() { return {{"dead-letter.topic", topic.name() + "_dead"}}; }
  void write(std::size_t part, const std::string& body) { topic.write(part, body); }
  LiveTopic topic;
};

struct LiveOutput {
  const char* skipped() const { return topic.skipped(); }
  std::unique_ptr<ConnectorFactory> factory() { return rocketmq_connector::make_factory(); }
  OptionMap options() {
    OptionMap all = topic.options();
    all.emplace("sink.fence-wait", "0 s");
    return all;
  }
  OptionMap source_options() { return {{"consumerGroup", topic.name()}}; }
  std::vector<std::string> published() { return topic.bodies(); }
  LiveTopic topic;
};

INSTANTIATE_TYPED_TEST_SUITE_P(LiveRocketMq, SourceConformance, LiveInput);
INSTANTIATE_TYPED_TEST_SUITE_P(LiveRocketMq, SinkConformance, LiveOutput);

}  // namespace
}  // namespace slipstream::testing
