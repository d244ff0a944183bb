// RocketMQSink against a scripted broker.
#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/rocketmq/producer.h"
#include "slipstream/stream/rocketmq.h"

#include "base/testing/wait_until.h"
#include "flow/runtime.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using rocketmq::Message;
using rocketmq::MessageQueue;
using rocketmq::ReceivedMessage;
using rocketmq::RequestCode;
using rocketmq::testing::Fault;
using rocketmq::testing::ScriptedBroker;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Config = RocketMQConfig;
using Map = std::map<std::string, std::string>;

struct Reading {
  std::string id;
  std::int64_t value = 0;
};
inline auto describe_row(const Reading*) {
  return columns(column("id", &Reading::id), column("value", &Reading::value));
}

// Emits "0", "1", ... up to a limit that the test raises; ends at `end`.
struct Valve {
  std::mutex mutex;
  int limit = 0;
  int emitted = 0;
  void open(int to) {
    const std::lock_guard lock(mutex);
    limit = to;
  }
};
class Numbers final : public SourceFunction<std::string> {
 public:
  Numbers(std::shared_ptr<Valve> valve, int end) : valve_(std::move(valve)), end_(end) {}
  void run(SourceContext<std::string>& context) override {
    while (next_ < end_ && context.is_running()) {
      {
        const std::lock_guard lock(valve_->mutex);
        if (next_ >= valve_->limit) continue;
      }
      const auto lock = context.checkpoint_lock();
      context.collect(std::to_string(next_++));
    }
  }
  std::string snapshot_state() override { return std::to_string(next_); }
  void restore_state(std::string_view state) override { next_ = std::stoi(std::string(state)); }

 private:
  std::shared_ptr<Valve> valve_;
  int end_;
  int next_ = 0;
};

class RocketMQSinkTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", 2); }

  Properties properties(Properties more = {}) const {
    more.insert({{Config::kNameServerAddress, broker_.name_server()}});
    return more;
  }
  std::vector<ReceivedMessage> stored(const std::string& topic = "T") const {
    std::vector<ReceivedMessage> all;
    for (std::int32_t id = 0; id < 2; ++id)
      for (auto& message : broker_.messages({topic, "broker-a", id}))
        all.push_back(std::move(message));
    return all;
  }
  std::multiset<std::string> bodies() const {
    std::multiset<std::string> bodies;
    for (const ReceivedMessage& message : stored()) bodies.insert(message.body);
    return bodies;
  }
  static std::multiset<std::string> numbers(int count) {
    std::multiset<std::string> numbers;
    for (int i = 0; i < count; ++i) numbers.insert(std::to_string(i));
    return numbers;
  }
  static std::vector<std::string> texts(int count) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
    return texts;
  }
  template <typename T, typename S>
  static Status write(const std::vector<T>& elements, const S& sink, JobSettings settings = {}) {
    Environment env(std::move(settings));
    env.from_elements<T>(elements).add_sink(sink);
    return env.execute();
  }
  static JobSettings no_checkpoints() {
    JobSettings settings;
    settings.checkpoint_interval = 0ms;
    return settings;
  }
  auto strings(Properties more = {}) const {
    more.insert({{Config::kProducerTopic, "T"}});
    return RocketMQSink(SimpleStringSerializationSchema(), properties(std::move(more)));
  }
  static Fault fault(Fault::Kind kind) {
    return {.kind = kind, .code = 0, .remark = {}, .delay_ms = 0};
  }

  ScriptedBroker broker_;
};

TEST_F(RocketMQSinkTest, KeyValueSchemaAndTopicSelectors) {
  broker_.create_topic("flink-sink", 2);
  const Status talk =
      write<Map>({{{"id", "1"}, {"province", "Zhejiang"}}},
                 RocketMQSink(SimpleKeyValueSerializationSchema("id", "province"),
                              DefaultTopicSelector("flink-sink", "gold"), properties()));
  ASSERT_TRUE(talk.ok()) << talk.to_string();
  const auto sent = stored("flink-sink");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(sent[0].keys, ElementsAre("1"));
  EXPECT_EQ(sent[0].body, "Zhejiang");
  EXPECT_EQ(sent[0].tags, "gold");

  const Status by_field = write<Map>(
      {{{"key", "a"}, {"value", "x"}, {"to", "T"}, {"kind", "red"}},
       {{"key", "b"}, {"value", "y"}}},
      RocketMQSink(SimpleKeyValueSerializationSchema(),
                   SimpleTopicSelector("to", "flink-sink", "kind", "plain"), properties()));
  ASSERT_TRUE(by_field.ok()) << by_field.to_string();
  ASSERT_EQ(stored("T").size(), 1U);
  EXPECT_EQ(stored("T")[0].tags, "red");
  ASSERT_EQ(stored("flink-sink").size(), 2U);

  const Status missing =
      write<Map>({{{"id", "1"}}}, RocketMQSink(SimpleKeyValueSerializationSchema("id", "province"),
                                               DefaultTopicSelector("T"), properties()));
  EXPECT_THAT(missing.to_string(), HasSubstr("no entry 'province'"));
}

TEST_F(RocketMQSinkTest, JsonWithKeys) {
  const Status status = write<Reading>(
      {{"a", 7}},
      RocketMQSink(JsonSerializationSchema<Reading>([](const Reading& r) { return r.id; }),
                   properties({{Config::kProducerTopic, "T"}})));
  ASSERT_TRUE(status.ok()) << status.to_string();
  ASSERT_EQ(stored().size(), 1U);
  EXPECT_EQ(stored()[0].body, R"({"id":"a","value":7})");
  EXPECT_THAT(stored()[0].keys, ElementsAre("a"));
}

TEST_F(RocketMQSinkTest, WholeMessages) {
  Message message;
  message.topic = "T";
  message.body = "b";
  message.tags = "t";
  message.keys = {"k1", "k2"};
  message.properties = {{"colour", "blue"}};
  message.queue = MessageQueue{"T", "broker-a", 1};
  const Status status = write<Message>({message}, RocketMQSink(properties()));
  ASSERT_TRUE(status.ok()) << status.to_string();
  const auto in_queue = broker_.messages({"T", "broker-a", 1});
  ASSERT_EQ(in_queue.size(), 1U);
  EXPECT_EQ(in_queue[0].property("colour"), "blue");
  EXPECT_THAT(in_queue[0].keys, ElementsAre("k1", "k2"));

  class ToT final : public MessageSerializationSchema<std::string> {
   public:
    Message serialize(const std::string& element) override {
      Message whole;
      whole.topic = "T";
      whole.body = element;
      whole.tags = "made";
      return whole;
    }
  };
  const Status made = write<std::string>({"x"}, RocketMQSink(ToT(), properties()));
  ASSERT_TRUE(made.ok()) << made.to_string();
  EXPECT_EQ(bodies(), (std::multiset<std::string>{"b", "x"}));
}

TEST_F(RocketMQSinkTest, EveryModeSendsEverythingOnce) {
  for (const bool async : {false, true}) {
    for (const bool batch : {false, true}) {
      const auto before = bodies();
      const Status status = write(
          texts(100),
          strings().with_async(async).with_batch_flush_on_checkpoint(batch).with_batch_size(7));
      ASSERT_TRUE(status.ok()) << status.to_string();
      EXPECT_EQ(bodies().size(), before.size() + 100);
    }
  }
  for (const std::string& text : texts(100)) EXPECT_EQ(bodies().count(text), 4U) << text;
}

TEST_F(RocketMQSinkTest, BatchesHaveTheSizeAskedFor) {
  const Status status =
      write(texts(100), strings().with_batch_flush_on_checkpoint(true).with_batch_size(10));
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendBatchMessage), 10U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 0U);
}

TEST_F(RocketMQSinkTest, WithoutCheckpointsNothingIsKeptBack) {
  const Status status =
      write(texts(5), strings().with_batch_flush_on_checkpoint(true), no_checkpoints());
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 5U);
}

TEST_F(RocketMQSinkTest, ACheckpointFlushesWhatWasKeptBack) {
  auto valve = std::make_shared<Valve>();
  Environment env({.checkpoint_interval = 1h});
  env.add_source(Numbers(valve, 100)).add_sink(strings().with_batch_flush_on_checkpoint(true));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  valve->open(3);
  ASSERT_TRUE(wait_until([&] {
    const JobStatus status = job->report();
    return std::any_of(status.tasks.begin(), status.tasks.end(),
                       [](const TaskReport& each) { return each.rows_in >= 3; });
  }));
  EXPECT_THAT(bodies(), IsEmpty());
  const auto saved = job->savepoint();
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();
  EXPECT_EQ(bodies(), numbers(3));
}

TEST_F(RocketMQSinkTest, AFailedSendIsMadeUpForAfterTheRestart) {
  for (const bool async : {false, true}) {
    SCOPED_TRACE(async);
    const auto before = bodies();
    broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropBefore), 1);
    const Status status =
        write(texts(50), strings({{Config::kProducerRetryTimes, "0"}}).with_async(async));
    ASSERT_TRUE(status.ok()) << status.to_string();
    for (const std::string& text : texts(50))
      EXPECT_GE(bodies().count(text), before.count(text) + 1) << text;
  }
}

TEST_F(RocketMQSinkTest, AnOutageLosesNothingInAnyMode) {
  for (const int mode : {0, 1, 2, 3}) {
    SCOPED_TRACE(mode);
    const auto before = bodies();
    auto valve = std::make_shared<Valve>();
    Environment env({.checkpoint_interval = 30ms,
                     .restart_attempts = 10'000,
                     .restart_delay = 10ms,
                     .restart_delay_max = 50ms});
    env.add_source(Numbers(valve, 200))
        .add_sink(strings({{Config::kProducerRetryTimes, "0"}, {Config::kProducerTimeout, "300"}})
                      .with_async((mode & 1) != 0)
                      .with_batch_flush_on_checkpoint((mode & 2) != 0));
    auto job = env.execute_async();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    valve->open(100);
    ASSERT_TRUE(wait_until([&] { return bodies().size() > before.size() + 50; }));
    broker_.set_brokers_up(false);
    valve->open(200);
    EXPECT_TRUE(wait_until([&] { return job->report().restarts > 0; }));
    broker_.set_brokers_up(true);
    const Status status = job->await();
    ASSERT_TRUE(status.ok()) << status.to_string();
    const auto after = bodies();
    for (const std::string& text : texts(200))
      EXPECT_GT(after.count(text), before.count(text)) << text;
  }
}

TEST_F(RocketMQSinkTest, WithoutCheckpointsALossIsCountedAndFailsTheJob) {
  for (const bool async : {false, true}) {
    SCOPED_TRACE(async);
    broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropBefore), 1);
    JobSettings settings = no_checkpoints();
    settings.runtime = make_runtime();
    Environment env(settings);
    env.from_elements(texts(1)).add_sink(
        strings({{Config::kProducerRetryTimes, "0"}}).with_async(async));
    auto job = env.execute_async();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    const Status status = job->await();
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.to_string(), HasSubstr("sending to"));
    EXPECT_EQ(settings.runtime->metrics().total("rocketmq_sink_failures_total"), 1);
  }
}

TEST_F(RocketMQSinkTest, BatchesAreSplitByTopicAndSize) {
  broker_.create_topic("U", 2);
  std::vector<Message> messages;
  for (int i = 0; i < 20; ++i) {
    Message message;
    message.topic = i % 2 == 0 ? "T" : "U";
    message.body = std::string(200'000, 'x');
    messages.push_back(message);
  }
  messages[3].delay_level = 2;
  const Status status =
      write(messages,
            RocketMQSink(properties()).with_batch_flush_on_checkpoint(true).with_batch_size(32));
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(stored("T").size(), 10U);
  EXPECT_EQ(stored("U").size(), 10U);
}

TEST_F(RocketMQSinkTest, ElementsWithoutTopicAreRefused) {
  const Status status = write<std::string>(
      {"x"}, RocketMQSink(SimpleStringSerializationSchema(), properties()), no_checkpoints());
  EXPECT_THAT(status.to_string(), HasSubstr("producer.topic"));
  EXPECT_THAT(write<std::string>({"x"}, strings().with_batch_size(0)).to_string(),
              HasSubstr("with_batch_size(0)"));
}

// --- lists ---

std::vector<std::string> bodies_of(const std::vector<ReceivedMessage>& messages) {
  std::vector<std::string> bodies;
  for (const ReceivedMessage& message : messages) bodies.push_back(message.body);
  return bodies;
}
Message message_of(std::string body, std::string sharding_key = {}, std::string topic = {}) {
  Message message;
  message.topic = std::move(topic);
  message.body = std::move(body);
  message.sharding_key = std::move(sharding_key);
  return message;
}

TEST_F(RocketMQSinkTest, AListIsOneBatch) {
  MessageList list;
  for (const std::string& text : texts(20)) list.push_back(message_of(text));
  const Status status = write<MessageList>(
      {list, {}, {message_of("alone")}},
      RocketMQSink<MessageList>(properties({{Config::kProducerTopic, "T"}})), no_checkpoints());
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendBatchMessage), 1U);
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 1U);
  const auto first = bodies_of(broker_.messages({"T", "broker-a", 0}));
  const auto second = bodies_of(broker_.messages({"T", "broker-a", 1}));
  EXPECT_EQ(first.size() + second.size(), 21U);
  EXPECT_EQ(first.size() >= 20 ? std::vector(first.begin(), first.begin() + 20)
                               : std::vector(second.begin(), second.begin() + 20),
            texts(20));
}

TEST_F(RocketMQSinkTest, AListIsCutWhereABatchMustEnd) {
  broker_.create_topic("U", 1);
  broker_.create_topic("L", 1);
  Message delayed = message_of("later", {}, "U");
  delayed.delay_level = 1;
  const MessageList mixed{message_of("a0", "a"), message_of("u0", {}, "U"), message_of("a1", "a"),
                          delayed, message_of("u1", {}, "U")};
  MessageList large;
  for (int i = 0; i < 12; ++i)
    large.push_back(message_of(std::string(200'000, static_cast<char>('a' + i)), {}, "L"));
  const Status status = write<MessageList>(
      {mixed, large}, RocketMQSink<MessageList>(properties({{Config::kProducerTopic, "T"}})));
  ASSERT_TRUE(status.ok()) << status.to_string();
  std::vector<std::string> kept_order;
  for (const ReceivedMessage& message : stored("T"))
    if (message.sharding_key == "a") kept_order.push_back(message.body);
  EXPECT_THAT(kept_order, ElementsAre("a0", "a1"));
  EXPECT_THAT(bodies_of(broker_.messages({"U", "broker-a", 0})), ElementsAre("u0", "later", "u1"));
  const auto in_order = broker_.messages({"L", "broker-a", 0});
  ASSERT_EQ(in_order.size(), 12U);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(in_order[i].body, large[i].body);
}

TEST_F(RocketMQSinkTest, ASchemaMakesLists) {
  class Twice final : public MessageListSerializationSchema<std::string> {
   public:
    MessageList serialize(const std::string& element) override {
      return {message_of(element, element), message_of(element + "!", element)};
    }
  };
  const RocketMQSink sink(Twice(), properties({{Config::kProducerTopic, "T"}}));
  const Status status = write(texts(10), sink);
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendBatchMessage), 10U);
  std::multiset<std::string> expected = numbers(10);
  for (const std::string& text : texts(10)) expected.insert(text + "!");
  EXPECT_EQ(bodies(), expected);
}

TEST_F(RocketMQSinkTest, ListsComeWholeInEveryMode) {
  std::vector<MessageList> lists;
  for (int i = 0; i < 100; i += 5) {
    MessageList& list = lists.emplace_back();
    for (int of = i; of < i + 5; ++of) list.push_back(message_of(std::to_string(of)));
  }
  for (const bool async : {false, true}) {
    for (const bool batch : {false, true}) {
      RocketMQSink<MessageList> sink(
          properties({{Config::kProducerTopic, "T"}, {Config::kProducerRetryTimes, "0"}}));
      sink.with_async(async).with_batch_flush_on_checkpoint(batch).with_batch_size(7);
      const std::size_t batches = broker_.requests_seen(RequestCode::kSendBatchMessage);
      const auto before = bodies();
      // A batch that is lost on its way fails the attempt; the next one sends it.
      broker_.inject(RequestCode::kSendBatchMessage, fault(Fault::Kind::kDropBefore), 1);
      const Status status = write(lists, sink, {.restart_delay = 10ms});
      ASSERT_TRUE(status.ok()) << status.to_string();
      for (const std::string& text : texts(100))
        EXPECT_GT(bodies().count(text), before.count(text)) << text;
      EXPECT_GE(broker_.requests_seen(RequestCode::kSendBatchMessage) - batches, batch ? 15U : 21U);
    }
  }
}

// --- message queue selectors ---

TEST_F(RocketMQSinkTest, ASelectorPicksTheQueueOfEachMessage) {
  const auto by_number = [](const std::vector<MessageQueue>& queues, const Message& message) {
    EXPECT_THAT(queues,
                ElementsAre(MessageQueue{"T", "broker-a", 0}, MessageQueue{"T", "broker-a", 1}));
    return queues[std::stoul(message.body) % queues.size()];
  };
  std::vector<std::string> expected[2];
  for (const bool batch : {false, true}) {
    const Status status = write(texts(20), strings()
                                               .with_message_queue_selector(by_number)
                                               .with_batch_flush_on_checkpoint(batch)
                                               .with_batch_size(6));
    ASSERT_TRUE(status.ok()) << status.to_string();
    for (int i = 0; i < 20; ++i)
      expected[static_cast<std::size_t>(i % 2)].push_back(std::to_string(i));
    EXPECT_EQ(bodies_of(broker_.messages({"T", "broker-a", 0})), expected[0]);
    EXPECT_EQ(bodies_of(broker_.messages({"T", "broker-a", 1})), expected[1]);
  }
  EXPECT_GT(broker_.requests_seen(RequestCode::kSendBatchMessage), 0U);
}

TEST_F(RocketMQSinkTest, ASelectorCutsListsAndIsNotAskedAboutNamedQueues) {
  MessageList list{message_of("1", "a"), message_of("0", "a"), message_of("own", "b"),
                   message_of("3", "b"), message_of("2", "a"), message_of("5", "a")};
  list[2].queue = MessageQueue{"T", "broker-a", 0};
  const Status status = write<MessageList>(
      {list}, RocketMQSink<MessageList>(properties({{Config::kProducerTopic, "T"}}))
                  .with_message_queue_selector([](const auto& queues, const Message& message) {
                    return queues[std::stoul(message.body) % 2];
                  }));
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(bodies_of(broker_.messages({"T", "broker-a", 0})), ElementsAre("0", "own", "2"));
  EXPECT_THAT(bodies_of(broker_.messages({"T", "broker-a", 1})), ElementsAre("1", "3", "5"));
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendBatchMessage), 2U);
}

TEST_F(RocketMQSinkTest, AQueueThatTheTopicHasNotIsRefused) {
  broker_.create_topic("U", 3);
  Message message = message_of("x", {}, "T");
  message.keys = {"k1", "k2"};
  for (const MessageQueue& wrong :
       {MessageQueue{"T", "broker-a", 2}, MessageQueue{"T", "broker-b", 0},
        MessageQueue{"U", "broker-a", 2}}) {
    const Status status = write<Message>(
        {message},
        RocketMQSink(properties())
            .with_message_queue_selector([wrong](const auto&, const Message&) { return wrong; }));
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.to_string(), HasSubstr(wrong.to_string()));
    EXPECT_THAT(status.to_string(), HasSubstr("'k1 k2'"));
    EXPECT_THAT(status.to_string(), HasSubstr("2 queues of topic 'T'"));
  }
  EXPECT_THAT(bodies(), IsEmpty());
}

TEST_F(RocketMQSinkTest, HashesOfPropertiesAreJavas) {
  broker_.create_topic("H", 7);
  std::vector<Message> messages;
  for (int i = 0; i < 50; ++i) {
    Message& message = messages.emplace_back(message_of(std::to_string(i), {}, "H"));
    message.properties = {{"customer", "c" + std::to_string(i % 10)}};
    message.keys = {"k" + std::to_string(i), "x"};
  }
  const auto sent = [&](const char* property) {
    return write(
        messages,
        RocketMQSink(properties()).with_message_queue_selector(HashMessageQueueSelector(property)));
  };
  ASSERT_TRUE(sent("customer").ok());
  ASSERT_TRUE(sent("KEYS").ok());
  std::map<std::string, std::vector<std::int32_t>> queues_of;
  for (std::int32_t id = 0; id < 7; ++id)
    for (const ReceivedMessage& message : broker_.messages({"H", "broker-a", id}))
      queues_of[message.body].push_back(id);
  for (const Message& message : messages) {
    const auto queue = [](const std::string& key) {
      return static_cast<std::int32_t>(rocketmq::Producer::queue_of_key(key, 7));
    };
    EXPECT_THAT(queues_of[message.body],
                ::testing::UnorderedElementsAre(queue(message.properties[0].value),
                                                queue(message.keys[0] + " x")));
  }
  const Status missing = sent("colour");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.to_string(), HasSubstr("'k0 x' has no property 'colour'"));
  const Status plain = write<std::string>(
      {"a \x01"}, strings().with_message_queue_selector(HashMessageQueueSelector("colour")));
  EXPECT_THAT(plain.to_string(), HasSubstr("the message 'a .' has no property"));
}

TEST_F(RocketMQSinkTest, AnOutageLosesNothingBehindASelector) {
  auto valve = std::make_shared<Valve>();
  Environment env({.checkpoint_interval = 30ms,
                   .restart_attempts = 10'000,
                   .restart_delay = 10ms,
                   .restart_delay_max = 50ms});
  env.add_source(Numbers(valve, 200))
      .add_sink(strings({{Config::kProducerRetryTimes, "0"}, {Config::kProducerTimeout, "300"}})
                    .with_message_queue_selector([](const auto& queues, const Message& message) {
                      return queues[std::stoul(message.body) % queues.size()];
                    }));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  valve->open(100);
  ASSERT_TRUE(wait_until([&] { return bodies().size() > 50; }));
  broker_.set_brokers_up(false);
  valve->open(200);
  EXPECT_TRUE(wait_until([&] { return job->report().restarts > 0; }));
  broker_.set_brokers_up(true);
  const Status status = job->await();
  ASSERT_TRUE(status.ok()) << status.to_string();
  for (std::int32_t id = 0; id < 2; ++id)
    for (const ReceivedMessage& message : broker_.messages({"T", "broker-a", id}))
      EXPECT_EQ(std::stoi(message.body) % 2, id);
  for (const std::string& text : texts(200)) EXPECT_GT(bodies().count(text), 0U) << text;
}

// --- keys ---

TEST_F(RocketMQSinkTest, RetriesAndTimeout) {
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropBefore), 2);
  const Status twice =
      write(texts(1), strings({{Config::kProducerRetryTimes, "2"}}), no_checkpoints());
  EXPECT_TRUE(twice.ok()) << twice.to_string();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 3U);

  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropBefore), 2);
  const Status once =
      write(texts(1), strings({{Config::kProducerRetryTimes, "1"}}), no_checkpoints());
  EXPECT_FALSE(once.ok());
  EXPECT_EQ(broker_.requests_seen(RequestCode::kSendMessageV2), 5U);

  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kSilence), 1);
  const auto begin = std::chrono::steady_clock::now();
  const Status silent = write(
      texts(1), strings({{Config::kProducerRetryTimes, "0"}, {Config::kProducerTimeout, "100"}}),
      no_checkpoints());
  EXPECT_FALSE(silent.ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2500ms);
}

TEST_F(RocketMQSinkTest, DelayLevelOfMessagesWithoutTheirOwn) {
  Message own;
  own.topic = "T";
  own.body = "own";
  own.delay_level = 5;
  Message none;
  none.topic = "T";
  none.body = "none";
  const Status status =
      write<Message>({own, none}, RocketMQSink(properties({{Config::kMsgDelayLevel, "3"}}))
                                      .with_batch_flush_on_checkpoint(true));
  ASSERT_TRUE(status.ok()) << status.to_string();
  std::map<std::string, std::string> levels;
  for (const ReceivedMessage& message : stored())
    levels[message.body] = message.property("DELAY").value_or("");
  EXPECT_THAT(levels, ElementsAre(std::pair("none", "3"), std::pair("own", "5")));
}

TEST_F(RocketMQSinkTest, CredentialsAreUsed) {
  broker_.require(rocketmq::Credentials{.access_key = "user", .secret_key = "right"});
  const auto with = [&](const char* secret) {
    return write(texts(1), strings({{Config::kAccessKey, "user"}, {Config::kSecretKey, secret}}),
                 no_checkpoints());
  };
  EXPECT_TRUE(with("right").ok());
  const Status refused = with("wrong-secret");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.to_string(), ::testing::Not(HasSubstr("wrong-secret")));
}

}  // namespace
}  // namespace slipstream::stream
