// Source and sink in the shape of the original RocketMQ connector for Flink.
//
//   Properties consumer{{RocketMQConfig::kNameServerAddress, "127.0.0.1:9876"},
//                       {RocketMQConfig::kConsumerGroup, "g"},
//                       {RocketMQConfig::kConsumerTopic, "orders"}};
//   RocketMQSourceFunction source(SimpleKeyValueDeserializationSchema("id", "address"), consumer);
//   source.set_start_from_group_offsets(OffsetResetStrategy::kEarliest);
//   auto orders = env.add_source(source).uid("orders");
//   ...
//   results.add_sink(RocketMQSink(SimpleKeyValueSerializationSchema("id", "province"),
//                                 DefaultTopicSelector("flink-sink"), producer)
//                        .with_batch_flush_on_checkpoint(true));
//
// The source is the connector 'rocketmq' with the user's schema behind it: exactly once with
// checkpoints. The sink is at least once with checkpoints, in each of its modes. Guide:
// docs/datastream-rocketmq.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/options.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/stream/data_stream.h"
#include "slipstream/stream/environment.h"
#include "slipstream/stream/rocketmq_schemas.h"
#include "slipstream/stream/sink.h"

namespace slipstream::stream {

using Properties = OptionMap;

// The keys of Properties. rocketmq_config() tells their types, defaults and meanings; an unknown
// key is refused, with the nearest known one.
struct RocketMQConfig {
  static constexpr char kNameServerAddress[] = "nameserver.address";
  static constexpr char kNameServerPollInterval[] = "nameserver.poll.interval";
  static constexpr char kBrokerHeartbeatInterval[] = "brokerserver.heartbeat.interval";
  static constexpr char kAccessKey[] = "access.key";
  static constexpr char kSecretKey[] = "secret.key";
  static constexpr char kAccessChannel[] = "access.channel";
  static constexpr char kUnitName[] = "unit.name";
  static constexpr char kConsumerGroup[] = "consumer.group";
  static constexpr char kConsumerTopic[] = "consumer.topic";
  static constexpr char kConsumerTag[] = "consumer.tag";
  static constexpr char kConsumerSql[] = "consumer.sql";
  static constexpr char kConsumerTimeout[] = "consumer.timeout";
  static constexpr char kConsumerOffsetPersistInterval[] = "consumer.offset.persist.interval";
  static constexpr char kConsumerBatchSize[] = "consumer.batch.size";
  static constexpr char kConsumerDelayWhenMessageNotFound[] =
      "consumer.delay.when.message.not.found";
  static constexpr char kConsumerPullThreadPoolSize[] = "consumer.pull.thread.pool.size";
  static constexpr char kConsumerOffsetResetTo[] = "consumer.offset.reset.to";
  static constexpr char kConsumerOffsetFromTimestamp[] = "consumer.offset.from.timestamp";
  static constexpr char kConsumerStartMessageOffset[] = "consumer.start.message.offset";
  static constexpr char kProducerTopic[] = "producer.topic";
  static constexpr char kProducerGroup[] = "producer.group";
  static constexpr char kProducerRetryTimes[] = "producer.retry.times";
  static constexpr char kProducerTimeout[] = "producer.timeout";
  static constexpr char kMsgDelayLevel[] = "msg.delay.level";
};
OptionTable rocketmq_config();

// Where to begin in a queue for which the group has no offset.
enum class OffsetResetStrategy : std::uint8_t { kLatest, kEarliest };
using QueueOffsets = std::map<rocketmq::MessageQueue, std::int64_t>;

namespace erased {

// Where a source begins when there is no checkpoint to go on from.
struct SourceStart {
  enum class Mode : std::uint8_t {
    kByKeys,  // no setter was called: consumer.offset.reset.to and its companions, else the group
    kGroupOffsets,
    kEarliest,
    kLatest,
    kTimestamp,
    kSpecificOffsets
  } mode = Mode::kByKeys;
  OffsetResetStrategy reset = OffsetResetStrategy::kLatest;
  std::int64_t timestamp_ms = 0;
  QueueOffsets offsets = {};
};

// A source as the library sees it.
struct MessageSourceSpec {
  Properties properties;
  SourceStart start;
  std::optional<Timestamp> stop_ms;
  std::string format;                           // of bodies
  Schema body;                                  // its columns
  MessageColumn last = MessageColumn::kOffset;  // those up to it are wanted
  bool lists = false;                           // the decoder takes several messages at once
  Schema element;
  std::function<std::unique_ptr<MessageDecoder>(RowWriter&)> make_decoder;
};
// Mistakes are noted in the plan.
NodeNumber add_message_source(const std::shared_ptr<StreamPlan>& plan, MessageSourceSpec spec,
                              std::string name);

}  // namespace erased

// Reads a topic, or several ("a;b"): env.add_source(source). Parallel; every queue is read by one instance, in order.
// Elements have the time at which the message was born; assign_timestamps_and_watermarks() right
// behind works per queue.
//
// The setters count only where the job starts without a checkpoint. A queue that appears later is
// read from its first message.
template <typename OutType>
class RocketMQSourceFunction {
 public:
  using Out = OutType;

  template <erased::Deserializes S>
  requires(std::is_same_v<typename S::Out, OutType>)
      RocketMQSourceFunction(S schema, Properties properties) {
    spec_.properties = std::move(properties);
    spec_.element = RowOf<Out>::schema();
    if constexpr (erased::JsonReader<S>) {
      spec_.format = "json";
      spec_.body = spec_.element;
    } else {
      spec_.format = "raw";
      spec_.body.add("body", Type::bytes());
      spec_.last = erased::KeyValueReader<S> ? erased::MessageColumn::kKeys
                                             : erased::MessageColumn::kShardingKey;
      spec_.lists = erased::MessageListReader<S>;
    }
    spec_.make_decoder = [schema = std::move(schema)](erased::RowWriter& rows) {
      return std::unique_ptr<erased::MessageDecoder>(
          std::make_unique<erased::SchemaDecoder<S>>(schema, rows));
    };
  }

  // The oldest message that is kept.
  RocketMQSourceFunction& set_start_from_earliest() {
    return start({.mode = erased::SourceStart::Mode::kEarliest});
  }
  // The next message to come.
  RocketMQSourceFunction& set_start_from_latest() {
    return start({.mode = erased::SourceStart::Mode::kLatest});
  }
  // The first message that was stored at or after the time, in milliseconds since 1970.
  RocketMQSourceFunction& set_start_from_time_stamp(std::int64_t timestamp_ms) {
    return start({.mode = erased::SourceStart::Mode::kTimestamp, .timestamp_ms = timestamp_ms});
  }
  // Where the consumer group stands. The default.
  RocketMQSourceFunction& set_start_from_group_offsets(
      OffsetResetStrategy strategy = OffsetResetStrategy::kLatest) {
    return start({.mode = erased::SourceStart::Mode::kGroupOffsets, .reset = strategy});
  }
  // The message at this offset of each queue. Other queues: as set_start_from_group_offsets().
  RocketMQSourceFunction& set_start_from_specific_offsets(
      QueueOffsets offsets, OffsetResetStrategy strategy = OffsetResetStrategy::kLatest) {
    return start({.mode = erased::SourceStart::Mode::kSpecificOffsets,
                  .reset = strategy,
                  .offsets = std::move(offsets)});
  }

  // The source ends: messages that were stored before the time are read, in milliseconds since 1970.
  // Queues that appear after the start are not read then.
  RocketMQSourceFunction& set_stop_at_time_stamp(std::int64_t timestamp_ms) {
    spec_.stop_ms = timestamp_ms;
    return *this;
  }

  // For Environment::add_source.
  DataStream<Out> add_to(Environment& env, std::string name) const {
    return DataStream<Out>(erased::NodeOutput{
        env.plan(), erased::add_message_source(env.plan(), spec_, std::move(name)), 0,
        Partitioning::kForward});
  }

 private:
  RocketMQSourceFunction& start(erased::SourceStart start) {
    spec_.start = std::move(start);
    return *this;
  }

  erased::MessageSourceSpec spec_;
};
template <erased::Deserializes S>
RocketMQSourceFunction(S, Properties) -> RocketMQSourceFunction<typename S::Out>;

// ----------------------------------------------------------------------------------------------

namespace erased {

// A sink as the library sees it.
struct MessageSinkSettings {
  Properties properties;
  bool async = false;
  bool batch = false;
  int batch_size = 32;
  MessageQueueSelector select_queue = {};
};

// Sends for all instances of one sink of a job.
// Thread: any. Copies share the connections.
class MessageSenders {
 public:
  // Mistakes in the settings are noted in the plan.
  MessageSenders(const std::shared_ptr<StreamPlan>& plan, MessageSinkSettings settings);
  ~MessageSenders();

  // One instance.
  // Thread: task; calls block until there is room or an outcome.
  // Failure: thrown.
  class Sender {
   public:
    virtual ~Sender() = default;
    virtual void send(rocketmq::Message message) = 0;
    // In this order, as batches.
    virtual void send_list(MessageList messages) = 0;
    // Returns once everything sent before is stored.
    virtual void flush() = 0;
  };
  std::unique_ptr<Sender> open(RuntimeContext& context) const;

 private:
  class Shared;
  std::shared_ptr<Shared> shared_;
};

// Sends what an element becomes.
template <typename T>
using SendElement = std::function<void(const T&, MessageSenders::Sender&)>;

// One instance of a sink.
// Thread: task.
template <typename T>
class MessageSinkFunction final : public SinkFunction<T> {
 public:
  MessageSinkFunction(SendElement<T> send, const MessageSenders& senders)
      : send_(std::move(send)), senders_(senders) {}
  void open(RuntimeContext& context) override { sender_ = senders_.open(context); }
  void invoke(const T& element, typename SinkFunction<T>::Context&) override {
    send_(element, *sender_);
  }
  void flush() override { sender_->flush(); }
  void close() override { sender_.reset(); }

 private:
  SendElement<T> send_;
  MessageSenders senders_;
  std::unique_ptr<MessageSenders::Sender> sender_;
};

// Keys of a message from text, separated by blanks.
std::vector<std::string> split_keys(const std::string& text);

}  // namespace erased

// Writes messages: stream.add_sink(sink).
//
// Modes: one message at a time, each acknowledged before the next (default); with_async(true): many
// under way; with_batch_flush_on_checkpoint(true): kept back until with_batch_size() messages or a
// checkpoint, then sent as batches. Together: batches, many under way. A job without checkpoints
// keeps nothing back.
//
// Lists of messages are sent in their order, as batches: one for messages of one topic and queue
// (or sharding key, where no queue is named), up to 1 MiB of them; a message with a delay alone.
//
// A message that is not stored after producer.retry.times fails the job. In each mode a checkpoint
// waits until everything before it is stored: at least once; after a restart messages may come
// twice. Without checkpoints there is no restart: what was under way at a failure is counted in
// rocketmq_sink_failures_total and logged.
template <typename InType>
class RocketMQSink {
  using Sender = erased::MessageSenders::Sender;

 public:
  using In = InType;

  // Elements are messages; those without a topic go to producer.topic.
  explicit RocketMQSink(Properties properties) requires(std::is_same_v<In, rocketmq::Message>)
      : RocketMQSink(
            [] { return [](const rocketmq::Message& message, Sender& to) { to.send(message); }; },
            std::move(properties), 0) {}
  // Elements are lists of messages: RocketMQSink<MessageList>(properties).
  explicit RocketMQSink(Properties properties) requires(std::is_same_v<In, MessageList>)
      : RocketMQSink(
            [] { return [](const MessageList& messages, Sender& to) { to.send_list(messages); }; },
            std::move(properties), 0) {}
  // A KeyValueSerializationSchema for key and body, a TopicSelector (or what has topic(element) and
  // tag(element)) for topic and tag.
  template <erased::KeyValueWriter S, typename Selector>
  requires(std::is_same_v<typename S::In, In>)
      RocketMQSink(S schema, Selector selector, Properties properties)
      : RocketMQSink(
            [schema = std::move(schema), selector = std::move(selector)] {
              return [schema, selector](const In& element, Sender& to) mutable {
                rocketmq::Message message;
                message.topic = selector.topic(element);
                message.tags = selector.tag(element);
                message.keys = erased::split_keys(schema.serialize_key(element));
                message.body = schema.serialize_value(element);
                to.send(std::move(message));
              };
            },
            std::move(properties), 0) {}
  // All to producer.topic.
  template <erased::KeyValueWriter S>
  requires(std::is_same_v<typename S::In, In>) RocketMQSink(S schema, Properties properties)
      : RocketMQSink(std::move(schema), DefaultTopicSelector(""), std::move(properties)) {}
  // The schema makes whole messages.
  template <erased::MessageWriter S>
  requires(std::is_same_v<typename S::In, In>) RocketMQSink(S schema, Properties properties)
      : RocketMQSink(
            [schema = std::move(schema)] {
              return [schema](const In& element, Sender& to) mutable {
                to.send(schema.serialize(element));
              };
            },
            std::move(properties), 0) {}
  // The schema makes lists of messages.
  template <erased::MessageListWriter S>
  requires(std::is_same_v<typename S::In, In>) RocketMQSink(S schema, Properties properties)
      : RocketMQSink(
            [schema = std::move(schema)] {
              return [schema](const In& element, Sender& to) mutable {
                to.send_list(schema.serialize(element));
              };
            },
            std::move(properties), 0) {}

  RocketMQSink& with_async(bool async) {
    settings_.async = async;
    return *this;
  }
  RocketMQSink& with_batch_flush_on_checkpoint(bool batch) {
    settings_.batch = batch;
    return *this;
  }
  RocketMQSink& with_batch_size(int batch_size) {
    settings_.batch_size = batch_size;
    return *this;
  }
  // Asked about every message that names no queue itself, before it is sent or kept back; copied for
  // each instance. Empty: the producer chooses, by sharding key or in turn.
  RocketMQSink& with_message_queue_selector(MessageQueueSelector select_queue) {
    settings_.select_queue = std::move(select_queue);
    return *this;
  }

  // For DataStream::add_sink.
  StreamSink add_to(const DataStream<In>& stream) const {
    const auto& plan = stream.node_output().plan;
    erased::NodeSpec spec;
    spec.kind = "sink";
    spec.inputs = {stream.node_output().edge()};
    const erased::MessageSenders senders(plan, settings_);
    spec.body = erased::function_body<erased::SinkBody>([make_send = make_send_, senders] {
      return std::make_unique<erased::MessageSinkFunction<In>>(make_send(), senders);
    });
    return StreamSink(erased::NodeOutput{plan, erased::add_node(*plan, std::move(spec)), 0,
                                         Partitioning::kForward});
  }

 private:
  using MakeSend = std::function<erased::SendElement<In>()>;
  RocketMQSink(MakeSend make_send, Properties properties, int) : make_send_(std::move(make_send)) {
    settings_.properties = std::move(properties);
  }

  MakeSend make_send_;
  erased::MessageSinkSettings settings_;
};
RocketMQSink(Properties)->RocketMQSink<rocketmq::Message>;
template <typename S>
RocketMQSink(S, Properties) -> RocketMQSink<typename S::In>;
template <typename S, typename Selector>
RocketMQSink(S, Selector, Properties) -> RocketMQSink<typename S::In>;

}  // namespace slipstream::stream
