// How messages become elements and elements become messages: schemas and topic selectors of the
// source and the sink of slipstream/stream/rocketmq.h.
//
// A schema is copied for every parallel instance. An exception out of a schema fails the job; the
// error names topic, broker, queue and offset of the message, or of the first one of a list. A
// Failure decides what is retried.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipstream/rocketmq/message.h"
#include "slipstream/stream/bodies.h"
#include "slipstream/stream/functions.h"
#include "slipstream/stream/operator.h"
#include "slipstream/stream/row.h"

// Messages can be elements of streams.
namespace slipstream::rocketmq {

inline auto describe_row(const Property*) {
  using stream::column;
  return stream::columns(column("name", &Property::name), column("value", &Property::value));
}
inline auto describe_row(const MessageQueue*) {
  using stream::column;
  return stream::columns(column("topic", &MessageQueue::topic),
                         column("broker", &MessageQueue::broker), column("id", &MessageQueue::id));
}
inline auto describe_row(const Message*) {
  using stream::column;
  return stream::columns(
      column("topic", &Message::topic), column("body", &Message::body),
      column("tags", &Message::tags), column("keys", &Message::keys),
      column("properties", &Message::properties), column("delay_level", &Message::delay_level),
      column("deliver_at_ms", &Message::deliver_at_ms),
      column("sharding_key", &Message::sharding_key), column("queue", &Message::queue),
      column("flag", &Message::flag), column("unique_key", &Message::unique_key),
      column("wait_stored", &Message::wait_stored));
}

}  // namespace slipstream::rocketmq

namespace slipstream::stream {

// An element that is a list of messages.
using MessageList = std::vector<rocketmq::Message>;

namespace erased {

// Columns behind those of the body.
enum class MessageColumn : std::uint8_t {
  kBorn,
  kOffset,
  kKeys,
  kTags,
  kTopic,
  kBroker,
  kQueue,
  kStored,
  kProperties,
  kShardingKey,
};

}  // namespace erased

// One message as a schema sees it. Valid during the call that it was given to.
class SourceMessage {
 public:
  SourceMessage(const Batch& batch, std::size_t row) : batch_(batch), row_(row) {}

  std::string_view body() const { return batch_.column(0)->text(row_); }
  // The KEYS property: index keys, separated by blanks.
  std::optional<std::string_view> key() const { return text(erased::MessageColumn::kKeys); }
  std::optional<std::string_view> tags() const { return text(erased::MessageColumn::kTags); }
  std::string_view topic() const { return *text(erased::MessageColumn::kTopic); }
  std::string_view broker() const { return *text(erased::MessageColumn::kBroker); }
  std::int32_t queue_id() const {
    return of(erased::MessageColumn::kQueue).data<std::int32_t>()[row_];
  }
  std::int64_t queue_offset() const {
    return of(erased::MessageColumn::kOffset).data<std::int64_t>()[row_];
  }
  rocketmq::MessageQueue queue() const {
    return {std::string(topic()), std::string(broker()), queue_id()};
  }
  // By the producer's clock; the time of the element, unless the schema gives another.
  Timestamp born_timestamp() const {
    return of(erased::MessageColumn::kBorn).data<Timestamp>()[row_];
  }
  // By the broker's clock.
  Timestamp store_timestamp() const {
    return of(erased::MessageColumn::kStored).data<Timestamp>()[row_];
  }
  // The user's own.
  std::map<std::string, std::string> properties() const {
    const Column& column = of(erased::MessageColumn::kProperties);
    if (column.is_null(row_)) return {};
    return CellOf<std::map<std::string, std::string>>::read(column, row_);
  }
  // Empty = none.
  std::string_view sharding_key() const {
    return text(erased::MessageColumn::kShardingKey).value_or(std::string_view());
  }
  // To be sent on: body, keys, tag, the user's properties and sharding key. No topic and no queue:
  // where it goes is the sink's to say.
  rocketmq::Message to_message() const;

 private:
  const Column& of(erased::MessageColumn column) const {
    return *batch_.column(1 + static_cast<std::size_t>(column));
  }
  std::optional<std::string_view> text(erased::MessageColumn column) const {
    const Column& from = of(column);
    if (from.is_null(row_)) return std::nullopt;
    return from.text(row_);
  }

  const Batch& batch_;
  std::size_t row_;
};

// ----------------------------------------------------------------------------------------------
// messages -> elements

// Key and body of a message -> one element.
template <typename T>
class KeyValueDeserializationSchema {
 public:
  using Out = T;
  virtual ~KeyValueDeserializationSchema() = default;
  // `key`: the KEYS property; nullopt when the message has none.
  virtual T deserialize_key_and_value(std::optional<std::string_view> key,
                                      std::string_view value) = 0;
  // True: this element is not emitted, and nothing more is read of the queue that it came from. The
  // source ends when all queues of the topic have ended so.
  virtual bool is_end_of_stream(const T& element) {
    static_cast<void>(element);
    return false;
  }
};

// The whole message -> any number of elements.
template <typename T>
class MessageDeserializationSchema {
 public:
  using Out = T;
  virtual ~MessageDeserializationSchema() = default;
  virtual void deserialize(const SourceMessage& message, Collector<T>& out) = 0;
  // As above; elements behind this one in the same message are dropped too.
  virtual bool is_end_of_stream(const T& element) {
    static_cast<void>(element);
    return false;
  }
};

// Messages of one queue, in its order -> any number of elements: what was pulled, at most
// `consumer.batch.size` of them, at least one. A checkpoint lies between lists, never in one. The
// time of an element is that of the message that was born last, unless the schema gives another.
template <typename T>
class MessageListDeserializationSchema {
 public:
  using Out = T;
  virtual ~MessageListDeserializationSchema() = default;
  // The messages are valid during the call.
  virtual void deserialize(std::span<const SourceMessage> messages, Collector<T>& out) = 0;
  // As above; elements behind this one of the same list are dropped too.
  virtual bool is_end_of_stream(const T& element) {
    static_cast<void>(element);
    return false;
  }
};

// One element a list: its messages, to be sent on.
class SimpleMessageListDeserializationSchema
    : public MessageListDeserializationSchema<MessageList> {
 public:
  void deserialize(std::span<const SourceMessage> messages, Collector<MessageList>& out) override {
    MessageList list;
    list.reserve(messages.size());
    for (const SourceMessage& message : messages) list.push_back(message.to_message());
    out.collect(std::move(list));
  }
};

// {key_field: key, value_field: body}; an empty field name leaves that entry out, and a message
// without key has no entry for it.
class SimpleKeyValueDeserializationSchema
    : public KeyValueDeserializationSchema<std::map<std::string, std::string>> {
 public:
  explicit SimpleKeyValueDeserializationSchema(std::string key_field = "key",
                                               std::string value_field = "value")
      : key_field_(std::move(key_field)), value_field_(std::move(value_field)) {}
  Out deserialize_key_and_value(std::optional<std::string_view> key,
                                std::string_view value) override {
    Out element;
    if (!key_field_.empty() && key) element.emplace(key_field_, *key);
    if (!value_field_.empty()) element.emplace(value_field_, value);
    return element;
  }

 private:
  std::string key_field_;
  std::string value_field_;
};

// The body.
class SimpleStringDeserializationSchema : public KeyValueDeserializationSchema<std::string> {
 public:
  std::string deserialize_key_and_value(std::optional<std::string_view>,
                                        std::string_view value) override {
    return std::string(value);
  }
};

// (key, body); an empty key when there is none.
class SimpleTupleDeserializationSchema
    : public KeyValueDeserializationSchema<std::pair<std::string, std::string>> {
 public:
  Out deserialize_key_and_value(std::optional<std::string_view> key,
                                std::string_view value) override {
    return {std::string(key.value_or(std::string_view())), std::string(value)};
  }
};

// A JSON object as a T by the names of RowOf<T>'s columns: the connector's format 'json', fast. A
// body that is no T fails the job.
template <typename T>
class JsonDeserializationSchema {
 public:
  using Out = T;
  static_assert(Described<T>, "JSON needs names of columns: write describe_row for the type");
  virtual ~JsonDeserializationSchema() = default;
  virtual bool is_end_of_stream(const T& element) {
    static_cast<void>(element);
    return false;
  }
};

// ----------------------------------------------------------------------------------------------
// elements -> messages

// One element -> key and body of a message.
template <typename T>
class KeyValueSerializationSchema {
 public:
  using In = T;
  virtual ~KeyValueSerializationSchema() = default;
  // Index keys, separated by blanks; empty = none.
  virtual std::string serialize_key(const T& element) = 0;
  virtual std::string serialize_value(const T& element) = 0;
};

// One element -> a whole message. Without a topic it goes to `producer.topic`.
template <typename T>
class MessageSerializationSchema {
 public:
  using In = T;
  virtual ~MessageSerializationSchema() = default;
  virtual rocketmq::Message serialize(const T& element) = 0;
};

// One element -> any number of messages, which are sent in this order, as one batch where they may
// be in one. Without a topic they go to `producer.topic`.
template <typename T>
class MessageListSerializationSchema {
 public:
  using In = T;
  virtual ~MessageListSerializationSchema() = default;
  virtual MessageList serialize(const T& element) = 0;
};

// The entries of two names. An element without the value's entry fails the job.
class SimpleKeyValueSerializationSchema
    : public KeyValueSerializationSchema<std::map<std::string, std::string>> {
 public:
  explicit SimpleKeyValueSerializationSchema(std::string key_field = "key",
                                             std::string value_field = "value")
      : key_field_(std::move(key_field)), value_field_(std::move(value_field)) {}
  std::string serialize_key(const In& element) override {
    const auto found = element.find(key_field_);
    return found == element.end() ? std::string() : found->second;
  }
  std::string serialize_value(const In& element) override {
    const auto found = element.find(value_field_);
    if (found != element.end()) return found->second;
    throw Failure(Error{ErrorCode::kDataError,
                        "an element has no entry '" + value_field_ + "' for the message's body"});
  }

 private:
  std::string key_field_;
  std::string value_field_;
};

// The element is the body; no key.
class SimpleStringSerializationSchema : public KeyValueSerializationSchema<std::string> {
 public:
  std::string serialize_key(const std::string&) override { return {}; }
  std::string serialize_value(const std::string& element) override { return element; }
};

namespace erased {

// Encodes single rows as JSON. A copy starts anew.
class JsonBody {
 public:
  JsonBody();
  ~JsonBody();
  JsonBody(const JsonBody&);
  JsonBody& operator=(const JsonBody&) = delete;
  using Append = std::function<void(RowWriter&)>;
  std::string encode(const Schema& schema, const Append& append);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace erased

// A JSON object with the names of RowOf<T>'s columns. `key` gives the message's key.
template <typename T>
class JsonSerializationSchema : public KeyValueSerializationSchema<T> {
 public:
  static_assert(Described<T>, "JSON needs names of columns: write describe_row for the type");
  using KeyOf = std::function<std::string(const T&)>;
  explicit JsonSerializationSchema(KeyOf key = {}) : key_(std::move(key)) {}
  std::string serialize_key(const T& element) override {
    return key_ ? key_(element) : std::string();
  }
  std::string serialize_value(const T& element) override {
    return json_.encode(RowOf<T>::schema(), [&element](erased::RowWriter& row) {
      RowOf<T>::append(row, element);
      row.end_row();
    });
  }

 private:
  KeyOf key_;
  erased::JsonBody json_;
};

// Where an element goes.
template <typename T>
class TopicSelector {
 public:
  virtual ~TopicSelector() = default;
  virtual std::string topic(const T& element) = 0;
  virtual std::string tag(const T& element) = 0;  // empty = none
};

// One topic and tag for all. For elements of any type.
class DefaultTopicSelector {
 public:
  explicit DefaultTopicSelector(std::string topic, std::string tag = {})
      : topic_(std::move(topic)), tag_(std::move(tag)) {}
  template <typename T>
  std::string topic(const T&) const {
    return topic_;
  }
  template <typename T>
  std::string tag(const T&) const {
    return tag_;
  }

 private:
  std::string topic_;
  std::string tag_;
};

// Topic and tag from entries of the element; the defaults where it has no such entry.
class SimpleTopicSelector : public TopicSelector<std::map<std::string, std::string>> {
 public:
  SimpleTopicSelector(std::string topic_field, std::string default_topic, std::string tag_field,
                      std::string default_tag)
      : topic_field_(std::move(topic_field)),
        default_topic_(std::move(default_topic)),
        tag_field_(std::move(tag_field)),
        default_tag_(std::move(default_tag)) {}
  using Fields = std::map<std::string, std::string>;
  std::string topic(const Fields& element) override {
    return entry(element, topic_field_, default_topic_);
  }
  std::string tag(const Fields& element) override {
    return entry(element, tag_field_, default_tag_);
  }

 private:
  static std::string entry(const Fields& element, const std::string& name,
                           const std::string& otherwise) {
    const auto found = element.find(name);
    return found == element.end() ? otherwise : found->second;
  }

  std::string topic_field_;
  std::string default_topic_;
  std::string tag_field_;
  std::string default_tag_;
};

// Which of the queues of its topic a message goes to; the queues are those that may be written, in
// broker and id order, at least one. An answer that is none of them fails the job.
using MessageQueueSelector = std::function<rocketmq::MessageQueue(
    const std::vector<rocketmq::MessageQueue>& queues, const rocketmq::Message& message)>;

// By the value of a property of the message, as Java's HashMessageQueueSelector hashes it: equal
// values go to one queue, as long as the topic has as many. "KEYS" and "TAGS" are properties too.
// A message without the property fails the job.
class HashMessageQueueSelector {
 public:
  explicit HashMessageQueueSelector(std::string property) : property_(std::move(property)) {}
  rocketmq::MessageQueue operator()(const std::vector<rocketmq::MessageQueue>& queues,
                                    const rocketmq::Message& message) const;

 private:
  std::string property_;
};

namespace erased {

template <typename S>
concept KeyValueReader = std::derived_from<S, KeyValueDeserializationSchema<typename S::Out>>;
template <typename S>
concept MessageReader = std::derived_from<S, MessageDeserializationSchema<typename S::Out>>;
template <typename S>
concept JsonReader = std::derived_from<S, JsonDeserializationSchema<typename S::Out>>;
template <typename S>
concept MessageListReader = std::derived_from<S, MessageListDeserializationSchema<typename S::Out>>;
template <typename S>
concept Deserializes =
    KeyValueReader<S> || MessageReader<S> || MessageListReader<S> || JsonReader<S>;

// Elements of messages, for one reader.
// Thread: task.
class MessageDecoder {
 public:
  virtual ~MessageDecoder() = default;
  // Appends the elements of rows [begin, end), which are messages of one queue; false: they ended
  // it. REQUIRES: one row, unless the schema takes lists
  virtual bool decode(const Batch& messages, std::size_t begin, std::size_t end,
                      Timestamp born) = 0;
};

// A schema in use by one reader.
// Thread: task.
template <typename S>
class SchemaDecoder final : public MessageDecoder {
 public:
  using Out = typename S::Out;
  SchemaDecoder(const S& schema, RowWriter& rows) : schema_(schema), out_(schema_, rows) {}
  bool decode(const Batch& messages, std::size_t begin, std::size_t end, Timestamp born) override {
    out_.ended = false;
    if constexpr (JsonReader<S>) {
      out_.emit(RowOf<Out>::read(BatchColumns{messages}, begin), born);
    } else if constexpr (KeyValueReader<S>) {
      const SourceMessage message(messages, begin);
      out_.emit(schema_.deserialize_key_and_value(message.key(), message.body()), born);
    } else if constexpr (MessageListReader<S>) {
      std::vector<SourceMessage> list;
      list.reserve(end - begin);
      for (std::size_t row = begin; row < end; ++row) list.emplace_back(messages, row);
      Collector<Out> collector(out_, born);
      schema_.deserialize(list, collector);
    } else {
      Collector<Out> collector(out_, born);
      schema_.deserialize(SourceMessage(messages, begin), collector);
    }
    return !out_.ended;
  }

 private:
  struct UntilEnd final : Output<Out> {
    UntilEnd(S& of, RowWriter& rows) : schema(of), end(rows) {}
    void emit(Out&& element, Timestamp time) override {
      ended = ended || schema.is_end_of_stream(std::as_const(element));
      if (!ended) end.emit(std::move(element), time);
    }
    S& schema;
    RowEnd<Out> end;
    bool ended = false;
  };
  S schema_;
  UntilEnd out_;
};

template <typename S>
concept KeyValueWriter = std::derived_from<S, KeyValueSerializationSchema<typename S::In>>;
template <typename S>
concept MessageWriter = std::derived_from<S, MessageSerializationSchema<typename S::In>>;
template <typename S>
concept MessageListWriter = std::derived_from<S, MessageListSerializationSchema<typename S::In>>;

}  // namespace erased

}  // namespace slipstream::stream
