// RocketMQSourceFunction against a scripted broker.
#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slipstream/stream/rocketmq.h"

#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/testing/scripted_broker.h"
#include "stream/rocketmq_test.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;
using rocketmq::MessageQueue;
using rocketmq::RequestCode;
using rocketmq::testing::ScriptedBroker;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Config = RocketMQConfig;

struct Whole {
  std::string key;
  std::string body;
  std::string tags;
  std::string topic;
  std::string broker;
  std::int32_t queue = 0;
  std::int64_t offset = 0;
  std::int64_t stored = 0;
  std::map<std::string, std::string> properties;
};
inline auto describe_row(const Whole*) {
  return columns(column("key", &Whole::key), column("body", &Whole::body),
                 column("tags", &Whole::tags), column("topic", &Whole::topic),
                 column("broker", &Whole::broker), column("queue", &Whole::queue),
                 column("offset", &Whole::offset), column("stored", &Whole::stored),
                 column("properties", &Whole::properties));
}

class WholeSchema final : public MessageDeserializationSchema<Whole> {
 public:
  void deserialize(const SourceMessage& message, Collector<Whole>& out) override {
    Whole whole;
    whole.key = message.key().value_or("none");
    whole.body = message.body();
    whole.tags = message.tags().value_or("none");
    whole.topic = message.topic();
    whole.broker = message.broker();
    whole.queue = message.queue().id;
    whole.offset = message.queue_offset();
    whole.stored = message.store_timestamp();
    whole.properties = message.properties();
    out.collect(whole);
  }
};

class UntilEnd final : public SimpleStringDeserializationSchema {
 public:
  bool is_end_of_stream(const std::string& body) override { return body == "end"; }
};

class Picky final : public SimpleStringDeserializationSchema {
 public:
  std::string deserialize_key_and_value(std::optional<std::string_view>,
                                        std::string_view body) override {
    if (body == "bad") throw std::runtime_error("no such animal");
    return std::string(body);
  }
};

// Fails at the first "boom" that it sees, in a way that a restart can mend.
class FailsOnce final : public SimpleStringDeserializationSchema {
 public:
  explicit FailsOnce(std::shared_ptr<std::atomic<bool>> failed) : failed_(std::move(failed)) {}
  std::string deserialize_key_and_value(std::optional<std::string_view>,
                                        std::string_view body) override {
    if (body == "boom" && !failed_->exchange(true))
      throw Failure(Error::retry(ErrorCode::kUnavailable, "boom"));
    return std::string(body);
  }
  bool is_end_of_stream(const std::string& body) override { return body == "end"; }

 private:
  std::shared_ptr<std::atomic<bool>> failed_;
};

// A list as the schema saw it.
struct Seen {
  std::int32_t queue = 0;
  std::int64_t first = 0;
  std::vector<std::string> bodies;
  std::int64_t last_born = 0;
};
inline auto describe_row(const Seen*) {
  return columns(column("queue", &Seen::queue), column("first", &Seen::first),
                 column("bodies", &Seen::bodies), column("last_born", &Seen::last_born));
}

// A list with "bad" in it fails; one with "end" in it ends its queue.
class SeenLists final : public MessageListDeserializationSchema<Seen> {
 public:
  void deserialize(std::span<const SourceMessage> messages, Collector<Seen>& out) override {
    Seen seen;
    seen.queue = messages[0].queue_id();
    seen.first = messages[0].queue_offset();
    for (const SourceMessage& message : messages) {
      if (message.body() == "bad") throw std::runtime_error("no such animal");
      EXPECT_EQ(message.queue_id(), seen.queue);
      EXPECT_EQ(message.queue_offset(), seen.first + static_cast<std::int64_t>(seen.bodies.size()));
      seen.last_born = std::max(seen.last_born, message.born_timestamp());
      seen.bodies.emplace_back(message.body());
    }
    out.collect(seen);
  }
  bool is_end_of_stream(const Seen& seen) override {
    return std::find(seen.bodies.begin(), seen.bodies.end(), "end") != seen.bodies.end();
  }
};

struct Reading {
  std::string id;
  std::int64_t value = 0;
};
inline auto describe_row(const Reading*) {
  return columns(column("id", &Reading::id), column("value", &Reading::value));
}

std::string properties_of(std::vector<std::string> keys, std::string tags,
                          std::vector<rocketmq::Property> own = {}) {
  rocketmq::Message message;
  message.keys = std::move(keys);
  message.tags = std::move(tags);
  message.properties = std::move(own);
  return *rocketmq::encode_properties(message);
}

class RocketMQSourceTest : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create_topic("T", 4); }

  Properties properties(Properties more = {}) const {
    more.insert({{Config::kNameServerAddress, broker_.name_server()},
                 {Config::kConsumerGroup, "g"},
                 {Config::kConsumerTopic, "T"}});
    return more;
  }
  MessageQueue queue(std::int32_t id) const { return {"T", "broker-a", id}; }
  void fill(std::int32_t id, int count, std::int64_t first_ms = 1'000) {
    for (int i = 0; i < count; ++i) broker_.append(queue(id), std::to_string(i), {}, first_ms + i);
  }

  // Elements until so many have come, or the job has ended.
  template <typename T>
  std::vector<T> read(const RocketMQSourceFunction<T>& source, std::size_t count,
                      JobSettings settings = {}) {
    auto arrived = std::make_shared<Arrived<T>>();
    Environment env(std::move(settings));
    env.add_source(source).uid("source").add_sink(ToArrived<T>(arrived));
    auto job = env.execute_async();
    EXPECT_TRUE(job.ok()) << job.status().to_string();
    if (!job.ok()) return {};
    EXPECT_TRUE(arrived->wait_for(count)) << job->report().last_error;
    job->cancel();
    static_cast<void>(job->await());
    return arrived->values();
  }
  Status run(const RocketMQSourceFunction<std::string>& source,
             Arrived<std::string>* seen = nullptr) {
    auto arrived = std::make_shared<Arrived<std::string>>();
    Environment env({.checkpoint_interval = 0ms});
    env.add_source(source).add_sink(ToArrived<std::string>(arrived));
    Status status = env.execute();
    if (seen != nullptr)
      for (const std::string& each : arrived->values()) seen->add(each);
    return status;
  }
  // (queue, first offset) of every queue, when each holds one message more than is skipped.
  std::map<std::int32_t, std::int64_t> first_offsets(const RocketMQSourceFunction<Whole>& source,
                                                     std::size_t count) {
    std::map<std::int32_t, std::int64_t> first;
    for (const Whole& each : read(source, count)) first.try_emplace(each.queue, each.offset);
    return first;
  }
  RocketMQSourceFunction<Seen> lists(Properties more = {}) const {
    return RocketMQSourceFunction(SeenLists(), properties(std::move(more)));
  }
  RocketMQSourceFunction<Whole> whole(Properties more = {}) const {
    return RocketMQSourceFunction(WholeSchema(), properties(std::move(more)));
  }

  ScriptedBroker broker_;
};

TEST_F(RocketMQSourceTest, SchemasSeeWhatTheyAskFor) {
  broker_.append(queue(2), "hello", properties_of({"k1", "k2"}, "red", {{"colour", "blue"}}),
                 5'000);
  broker_.append(queue(2), "bare", {}, 6'000);
  const auto all = read(whole().set_start_from_earliest(), 2);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key, "k1 k2");
  EXPECT_EQ(all[0].body, "hello");
  EXPECT_EQ(all[0].tags, "red");
  EXPECT_EQ(all[0].topic, "T");
  EXPECT_EQ(all[0].broker, "broker-a");
  EXPECT_EQ(all[0].queue, 2);
  EXPECT_EQ(all[0].offset, 0);
  EXPECT_EQ(all[0].stored, 5'000);
  EXPECT_THAT(all[0].properties, ElementsAre(Pair("colour", "blue")));
  EXPECT_EQ(all[1].key, "none");
  EXPECT_EQ(all[1].offset, 1);

  using Map = std::map<std::string, std::string>;
  EXPECT_THAT(read(RocketMQSourceFunction(SimpleKeyValueDeserializationSchema("id", "address"),
                                          properties())
                       .set_start_from_earliest(),
                   2),
              ElementsAre(Map{{"id", "k1 k2"}, {"address", "hello"}}, Map{{"address", "bare"}}));
  EXPECT_THAT(read(RocketMQSourceFunction(SimpleTupleDeserializationSchema(), properties())
                       .set_start_from_earliest(),
                   2),
              ElementsAre(Pair("k1 k2", "hello"), Pair("", "bare")));
}

TEST_F(RocketMQSourceTest, JsonByTheNamesOfColumns) {
  broker_.append(queue(0), R"({"value": 7, "id": "a", "more": true})");
  const auto all = read(RocketMQSourceFunction(JsonDeserializationSchema<Reading>(), properties())
                            .set_start_from_earliest(),
                        1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, "a");
  EXPECT_EQ(all[0].value, 7);
}

TEST_F(RocketMQSourceTest, ElementsHaveTheTimeOfBirth) {
  broker_.append(queue(0), "a", {}, 5'000);
  auto times = std::make_shared<Arrived<std::int64_t>>();
  class Times final : public ProcessFunction<std::string, std::int64_t> {
   public:
    void process_element(const std::string&, Context& context,
                         Collector<std::int64_t>& out) override {
      out.collect(context.timestamp().value_or(-1));
    }
  };
  Environment env;
  env.add_source(RocketMQSourceFunction(SimpleStringDeserializationSchema(), properties())
                     .set_start_from_earliest())
      .process(Times())
      .add_sink(ToArrived<std::int64_t>(times));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(times->wait_for(1));
  EXPECT_GT(times->values()[0], 0);
}

TEST_F(RocketMQSourceTest, StartsFromEarliestLatestTimeAndGroup) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 10);
  broker_.expire(queue(1), 3);
  EXPECT_THAT(first_offsets(whole().set_start_from_earliest(), 37),
              ElementsAre(Pair(0, 0), Pair(1, 3), Pair(2, 0), Pair(3, 0)));
  EXPECT_THAT(first_offsets(whole().set_start_from_time_stamp(1'008), 8),
              ElementsAre(Pair(0, 8), Pair(1, 8), Pair(2, 8), Pair(3, 8)));
  // without an offset of the group: the strategy
  EXPECT_THAT(
      first_offsets(whole().set_start_from_group_offsets(OffsetResetStrategy::kEarliest), 37),
      ElementsAre(Pair(0, 0), Pair(1, 3), Pair(2, 0), Pair(3, 0)));
}

TEST_F(RocketMQSourceTest, StartsFromLatestAndFromTheGroupWithLatest) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 10);
  for (const bool by_group : {false, true}) {
    const std::string group = by_group ? "by-group" : "latest";
    auto source = whole({{Config::kConsumerGroup, group}});
    by_group ? source.set_start_from_group_offsets() : source.set_start_from_latest();
    auto arrived = std::make_shared<Arrived<Whole>>();
    Environment env({.checkpoint_interval = 50ms});
    env.add_source(source).add_sink(ToArrived<Whole>(arrived));
    auto job = env.execute_async();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    const std::int64_t end = broker_.max_offset(queue(3));
    ASSERT_TRUE(wait_until([&] { return broker_.group_offset(group, queue(3)) == end; }));
    broker_.append(queue(3), "new");
    ASSERT_TRUE(arrived->wait_for(1));
    EXPECT_EQ(arrived->values()[0].offset, end);
  }
}

TEST_F(RocketMQSourceTest, TheGroupsOffsetIsTheNextMessage) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 5);
  JobSettings settings;
  settings.checkpoint_interval = 20ms;
  auto arrived = std::make_shared<Arrived<Whole>>();
  {
    Environment env(settings);
    env.add_source(whole().set_start_from_earliest()).add_sink(ToArrived<Whole>(arrived));
    auto job = env.execute_async();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    for (std::int32_t id = 0; id < 4; ++id)
      ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", queue(id)) == 5; }));
  }
  for (std::int32_t id = 0; id < 4; ++id) broker_.append(queue(id), "next");
  EXPECT_THAT(first_offsets(whole().set_start_from_group_offsets(), 4),
              ElementsAre(Pair(0, 5), Pair(1, 5), Pair(2, 5), Pair(3, 5)));
}

// The map of the original connector's README.
TEST_F(RocketMQSourceTest, StartsFromSpecificOffsets) {
  ScriptedBroker cluster({.brokers = {"broker-a", "broker-b", "broker-c"}});
  cluster.create_topic("T", 4);
  for (const char* name : {"broker-a", "broker-b", "broker-c"})
    for (std::int32_t id = 0; id < 4; ++id)
      for (int i = 0; i < 204; ++i) cluster.append({"T", name, id}, "m");
  Properties to_cluster{{Config::kNameServerAddress, cluster.name_server()},
                        {Config::kConsumerGroup, "g"},
                        {Config::kConsumerTopic, "T"},
                        {Config::kConsumerBatchSize, "1024"}};
  RocketMQSourceFunction source(WholeSchema(), to_cluster);
  source.set_start_from_specific_offsets({{{"T", "broker-a", 1}, 201}, {{"T", "broker-c", 3}, 123}},
                                         OffsetResetStrategy::kEarliest);
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> first;
  const std::size_t expected = 3 + 81 + 10 * 204;
  const auto all = read(source, expected);
  EXPECT_EQ(all.size(), expected);
  for (const Whole& each : all) first.try_emplace({each.broker, each.queue}, each.offset);
  EXPECT_EQ((first[{"broker-a", 1}]), 201);
  EXPECT_EQ((first[{"broker-c", 3}]), 123);
  EXPECT_EQ((first[{"broker-b", 1}]), 0);
}

TEST_F(RocketMQSourceTest, StartsByKeysUnlessASetterSaidSo) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 10);
  const auto every = [](std::int64_t offset) {
    return ElementsAre(Pair(0, offset), Pair(1, offset), Pair(2, offset), Pair(3, offset));
  };
  EXPECT_THAT(first_offsets(whole({{Config::kConsumerOffsetResetTo, "earliest"}}), 40), every(0));
  EXPECT_THAT(first_offsets(whole({{Config::kConsumerOffsetResetTo, "timestamp"},
                                   {Config::kConsumerOffsetFromTimestamp, "1006"}}),
                            16),
              every(6));
  EXPECT_THAT(first_offsets(whole({{Config::kConsumerStartMessageOffset, "9"}}), 4), every(9));
  EXPECT_THAT(
      first_offsets(whole({{Config::kConsumerStartMessageOffset, "9"}}).set_start_from_earliest(),
                    40),
      every(0));
}

TEST_F(RocketMQSourceTest, GoesOnFromTheCheckpointWhateverTheSettersSay) {
  const TemporaryFolder folder;
  fill(0, 10);
  auto arrived = std::make_shared<Arrived<std::string>>();
  const auto start = [&](Environment& env) {
    env.add_source(RocketMQSourceFunction(SimpleStringDeserializationSchema(), properties())
                       .set_start_from_earliest())
        .uid("source")
        .add_sink(ToArrived<std::string>(arrived));
    return env.execute_async();
  };
  {
    Environment env({.checkpoint_dir = folder.path()});
    auto job = start(env);
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    ASSERT_TRUE(arrived->wait_for(10));
    const Status stopped = job->stop();
    ASSERT_TRUE(stopped.ok()) << stopped.to_string();
  }
  broker_.append(queue(0), "new");
  Environment env({.checkpoint_dir = folder.path()});
  auto job = start(env);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(arrived->wait_for(11));
  EXPECT_EQ(arrived->values()[10], "new");
}

TEST_F(RocketMQSourceTest, ASchemaEndsTheQueueThatDeliveredTheElement) {
  for (std::int32_t id = 0; id < 4; ++id) {
    broker_.append(queue(id), "a" + std::to_string(id));
    broker_.append(queue(id), "end");
    broker_.append(queue(id), "never");
  }
  Arrived<std::string> seen;
  const Status status =
      run(RocketMQSourceFunction(UntilEnd(), properties({{Config::kNameServerPollInterval, "20"}}))
              .set_start_from_earliest(),
          &seen);
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(seen.values(), UnorderedElementsAre("a0", "a1", "a2", "a3"));
}

TEST_F(RocketMQSourceTest, EventTimeIsThatOfTheSlowestQueue) {
  for (int i = 0; i < 200; ++i) {
    broker_.append(queue(0), std::to_string(1'000'000 + i));
    broker_.append(queue(1), std::to_string(i));
  }
  for (std::int32_t id = 0; id < 4; ++id) broker_.append(queue(id), "end");
  auto arrived = std::make_shared<Arrived<std::string>>();
  Environment env;
  env.add_source(
         RocketMQSourceFunction(UntilEnd(), properties({{Config::kNameServerPollInterval, "20"},
                                                        {Config::kConsumerBatchSize, "8"}}))
             .set_start_from_earliest())
      .assign_timestamps_and_watermarks(
          WatermarkStrategy<std::string>::for_bounded_out_of_orderness(0ms).with_timestamp_assigner(
              [](const std::string& body) { return std::stoll(body); }))
      .key_by([](const std::string&) { return true; })
      .window(tumbling_event_time_windows(10ms))
      .reduce([](const std::string& a, const std::string& b) { return a + " " + b; })
      .add_sink(ToArrived<std::string>(arrived));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  const auto windows = arrived->values();
  EXPECT_EQ(windows.size(), 40U);
  for (const std::string& window : windows)
    EXPECT_EQ(std::count(window.begin(), window.end(), ' '), 9) << window;
}

TEST_F(RocketMQSourceTest, AnEndedQueueStaysEndedOverARestart) {
  const TemporaryFolder folder;
  broker_.append(queue(0), "a");
  broker_.append(queue(0), "end");
  broker_.append(queue(0), "never");
  broker_.append(queue(1), "b");
  auto arrived = std::make_shared<Arrived<std::string>>();
  const auto start = [&](Environment& env) {
    env.add_source(
           RocketMQSourceFunction(UntilEnd(), properties({{Config::kNameServerPollInterval, "20"}}))
               .set_start_from_earliest())
        .uid("source")
        .add_sink(ToArrived<std::string>(arrived));
    return env.execute_async();
  };
  {
    Environment env({.checkpoint_dir = folder.path()});
    auto job = start(env);
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    ASSERT_TRUE(arrived->wait_for(2));
    ASSERT_TRUE(job->stop().ok());
  }
  // The group's offset is never behind the end.
  EXPECT_LE(broker_.group_offset("g", queue(0)), 2);
  for (std::int32_t id = 1; id < 4; ++id) broker_.append(queue(id), "end");
  Environment env({.parallelism = 2, .checkpoint_dir = folder.path()});
  auto job = start(env);
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  const Status ended = job->await();
  EXPECT_TRUE(ended.ok()) << ended.to_string();
  EXPECT_THAT(arrived->values(), UnorderedElementsAre("a", "b"));
}

TEST_F(RocketMQSourceTest, AnEndedQueueStaysEndedOverAFailure) {
  const auto failed = std::make_shared<std::atomic<bool>>(false);
  broker_.append(queue(0), "a");
  broker_.append(queue(0), "end");
  broker_.append(queue(0), "never");
  auto arrived = std::make_shared<Arrived<std::string>>();
  Environment env({.restart_delay = 10ms});
  env.add_source(RocketMQSourceFunction(FailsOnce(failed),
                                        properties({{Config::kNameServerPollInterval, "20"}}))
                     .set_start_from_earliest())
      .add_sink(ToArrived<std::string>(arrived));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(arrived->wait_for(1));
  ASSERT_TRUE(job->savepoint().ok());
  broker_.append(queue(1), "boom");
  for (std::int32_t id = 1; id < 4; ++id) broker_.append(queue(id), "end");
  const Status ended = job->await();
  EXPECT_TRUE(ended.ok()) << ended.to_string();
  EXPECT_EQ(job->report().restarts, 1U);
  EXPECT_THAT(arrived->values(), UnorderedElementsAre("a", "boom"));
}

TEST_F(RocketMQSourceTest, AFailingSchemaNamesTheMessage) {
  broker_.append(queue(2), "good");
  broker_.append(queue(2), "bad");
  const Status status =
      run(RocketMQSourceFunction(Picky(), properties()).set_start_from_earliest());
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.to_string(), HasSubstr("offset 1 of queue T/broker-a/2"));
  EXPECT_THAT(status.to_string(), HasSubstr("no such animal"));
}

// --- lists ---

TEST_F(RocketMQSourceTest, AListHoldsMessagesOfOneQueueInOrder) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 100);
  auto arrived = std::make_shared<Arrived<Seen>>();
  Environment env;
  env.add_source(lists({{Config::kConsumerBatchSize, "8"}})
                     .set_start_from_earliest()
                     .set_stop_at_time_stamp(10'000))
      .add_sink(ToArrived<Seen>(arrived));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  std::map<std::int32_t, std::vector<std::string>> bodies;
  std::size_t longest = 0;
  for (const Seen& seen : arrived->values()) {
    std::vector<std::string>& of_queue = bodies[seen.queue];
    EXPECT_EQ(seen.first, static_cast<std::int64_t>(of_queue.size()));
    of_queue.insert(of_queue.end(), seen.bodies.begin(), seen.bodies.end());
    longest = std::max(longest, seen.bodies.size());
  }
  EXPECT_EQ(longest, 8U);
  for (std::int32_t id = 0; id < 4; ++id) {
    ASSERT_EQ(bodies[id].size(), 100U);
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(bodies[id][i], std::to_string(i));
  }
}

TEST_F(RocketMQSourceTest, AListOfMessagesCanBeSentOn) {
  rocketmq::Message sent;
  sent.keys = {"k1", "k2"};
  sent.tags = "red";
  sent.properties = {{"colour", "blue"}};
  sent.sharding_key = "s";
  broker_.append(queue(2), "hello", *rocketmq::encode_properties(sent));
  broker_.append(queue(2), "bare");
  const auto all = read(RocketMQSourceFunction(SimpleMessageListDeserializationSchema(),
                                               properties({{Config::kConsumerBatchSize, "1"}}))
                            .set_start_from_earliest(),
                        2);
  ASSERT_EQ(all.size(), 2U);
  ASSERT_EQ(all[0].size(), 1U);
  const rocketmq::Message& hello = all[0][0];
  EXPECT_EQ(hello.body, "hello");
  EXPECT_EQ(hello.keys, sent.keys);
  EXPECT_EQ(hello.tags, "red");
  EXPECT_EQ(hello.properties, sent.properties);
  EXPECT_EQ(hello.sharding_key, "s");
  EXPECT_EQ(hello.topic, "");
  EXPECT_FALSE(hello.queue.has_value());
  ASSERT_EQ(all[1].size(), 1U);
  EXPECT_EQ(all[1][0].body, "bare");
  EXPECT_THAT(all[1][0].keys, IsEmpty());
}

TEST_F(RocketMQSourceTest, AListHasTheTimeOfItsLastBirth) {
  fill(0, 3);
  class BehindBirth final : public ProcessFunction<Seen, std::int64_t> {
   public:
    void process_element(const Seen& seen, Context& context,
                         Collector<std::int64_t>& out) override {
      out.collect(context.timestamp().value_or(-1) - seen.last_born);
    }
  };
  auto behind = std::make_shared<Arrived<std::int64_t>>();
  Environment env;
  env.add_source(lists().set_start_from_earliest().set_stop_at_time_stamp(10'000))
      .process(BehindBirth())
      .add_sink(ToArrived<std::int64_t>(behind));
  const Status status = env.execute();
  ASSERT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(behind->values(), ElementsAre(0));
}

TEST_F(RocketMQSourceTest, ACheckpointLiesBetweenLists) {
  const TemporaryFolder folder;
  fill(0, 10);
  auto arrived = std::make_shared<Arrived<Seen>>();
  const auto run_until = [&](std::size_t count) {
    Environment env({.checkpoint_dir = folder.path()});
    env.add_source(lists({{Config::kConsumerBatchSize, "5"}}).set_start_from_earliest())
        .uid("source")
        .add_sink(ToArrived<Seen>(arrived));
    auto job = env.execute_async();
    ASSERT_TRUE(job.ok()) << job.status().to_string();
    ASSERT_TRUE(wait_until([&] {
      std::size_t seen = 0;
      for (const Seen& each : arrived->values()) seen += each.bodies.size();
      return seen >= count;
    }));
    const Status stopped = job->stop();
    ASSERT_TRUE(stopped.ok()) << stopped.to_string();
  };
  run_until(10);
  for (int i = 10; i < 15; ++i) broker_.append(queue(0), std::to_string(i));
  run_until(15);
  std::vector<std::string> bodies;
  for (const Seen& each : arrived->values())
    bodies.insert(bodies.end(), each.bodies.begin(), each.bodies.end());
  ASSERT_EQ(bodies.size(), 15U);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(bodies[i], std::to_string(i));
}

TEST_F(RocketMQSourceTest, AListCanEndItsQueueOrFailTheJob) {
  for (std::int32_t id = 0; id < 4; ++id) {
    broker_.append(queue(id), "a" + std::to_string(id));
    broker_.append(queue(id), "end");
    broker_.append(queue(id), "never");
  }
  auto arrived = std::make_shared<Arrived<Seen>>();
  Environment env;
  env.add_source(lists({{Config::kConsumerBatchSize, "1"}, {Config::kNameServerPollInterval, "20"}})
                     .set_start_from_earliest())
      .add_sink(ToArrived<Seen>(arrived));
  const Status status = env.execute();
  EXPECT_TRUE(status.ok()) << status.to_string();
  std::vector<std::string> bodies;
  for (const Seen& each : arrived->values()) bodies.push_back(each.bodies.at(0));
  EXPECT_THAT(bodies, UnorderedElementsAre("a0", "a1", "a2", "a3"));

  broker_.append(queue(2), "bad");
  Environment failing({.checkpoint_interval = 0ms});
  failing
      .add_source(lists({{Config::kConsumerBatchSize, "2"}})
                      .set_start_from_specific_offsets({{queue(2), 3}}))
      .add_sink(ToArrived<Seen>(arrived));
  const Status failed = failing.execute();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.to_string(), HasSubstr("from offset 3 of queue T/broker-a/2"));
  EXPECT_THAT(failed.to_string(), HasSubstr("no such animal"));
}

TEST_F(RocketMQSourceTest, StopsAtATime) {
  for (std::int32_t id = 0; id < 4; ++id) fill(id, 10);
  Arrived<std::string> seen;
  const Status status =
      run(RocketMQSourceFunction(SimpleStringDeserializationSchema(), properties())
              .set_start_from_earliest()
              .set_stop_at_time_stamp(1'002),
          &seen);
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_THAT(seen.values(), UnorderedElementsAre("0", "1", "0", "1", "0", "1", "0", "1"));
}

// --- keys ---

TEST_F(RocketMQSourceTest, TagsAreFiltered) {
  broker_.append(queue(0), "1", properties_of({}, "red"));
  broker_.append(queue(0), "2", properties_of({}, "green"));
  broker_.append(queue(0), "3", properties_of({}, "blue"));
  EXPECT_THAT(read(RocketMQSourceFunction(SimpleStringDeserializationSchema(),
                                          properties({{Config::kConsumerTag, "red || blue"}}))
                       .set_start_from_earliest(),
                   2),
              ElementsAre("1", "3"));
}

TEST_F(RocketMQSourceTest, NewQueuesAreFoundAtThePollInterval) {
  auto arrived = std::make_shared<Arrived<std::string>>();
  Environment env;
  env.add_source(RocketMQSourceFunction(SimpleStringDeserializationSchema(),
                                        properties({{Config::kNameServerPollInterval, "20"}})))
      .add_sink(ToArrived<std::string>(arrived));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 4; }));
  broker_.create_topic("T", 5);
  broker_.append(queue(4), "first of a new queue");
  ASSERT_TRUE(arrived->wait_for(1));
}

TEST_F(RocketMQSourceTest, BatchSizeBoundsPulls) {
  fill(0, 40);
  const auto pulls = [&](const char* batch_size) {
    const std::size_t before = broker_.requests_seen(RequestCode::kPullMessage);
    read(whole({{Config::kConsumerBatchSize, batch_size}}).set_start_from_earliest(), 40);
    return broker_.requests_seen(RequestCode::kPullMessage) - before;
  };
  EXPECT_LT(pulls("32"), 40U);
  EXPECT_GE(pulls("1"), 40U);
}

TEST_F(RocketMQSourceTest, PullsUnderWayAreBounded) {
  fill(0, 320);
  const auto duration = [&](const char* pulls) {
    broker_.inject(
        RequestCode::kPullMessage,
        {.kind = rocketmq::testing::Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 60},
        1'000);
    const auto begin = std::chrono::steady_clock::now();
    read(whole({{Config::kConsumerPullThreadPoolSize, pulls}}).set_start_from_earliest(), 320);
    return std::chrono::steady_clock::now() - begin;
  };
  const auto one_by_one = duration("1");
  EXPECT_GE(one_by_one, 600ms);
  EXPECT_LT(duration("20"), one_by_one);
}

TEST_F(RocketMQSourceTest, WithoutCheckpointsOffsetsAreWrittenAtAnInterval) {
  fill(0, 7);
  Environment env({.checkpoint_interval = 0ms});
  auto arrived = std::make_shared<Arrived<std::string>>();
  env.add_source(
         RocketMQSourceFunction(SimpleStringDeserializationSchema(),
                                properties({{Config::kConsumerOffsetPersistInterval, "20"}}))
             .set_start_from_earliest())
      .add_sink(ToArrived<std::string>(arrived));
  auto job = env.execute_async();
  ASSERT_TRUE(job.ok()) << job.status().to_string();
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue(0)) == 7; }));
}

TEST_F(RocketMQSourceTest, PullsWaitForTheTimeoutAndPauseWhenNothingWasFound) {
  const auto ten_pulls = [&](const char* timeout, const char* pause) {
    Environment env;
    auto arrived = std::make_shared<Arrived<std::string>>();
    const std::size_t before = broker_.requests_seen(RequestCode::kPullMessage);
    env.add_source(
           RocketMQSourceFunction(SimpleStringDeserializationSchema(),
                                  properties({{Config::kConsumerTimeout, timeout},
                                              {Config::kConsumerDelayWhenMessageNotFound, pause}})))
        .add_sink(ToArrived<std::string>(arrived));
    const auto begin = std::chrono::steady_clock::now();
    auto job = env.execute_async();
    EXPECT_TRUE(wait_until(
        [&] { return broker_.requests_seen(RequestCode::kPullMessage) >= before + 24; }));
    return std::chrono::steady_clock::now() - begin;
  };
  // four queues, at least five waits each
  EXPECT_GE(ten_pulls("1", "100"), 400ms);
  EXPECT_GE(ten_pulls("100", "0"), 400ms);
}

TEST_F(RocketMQSourceTest, CredentialsAreUsed) {
  fill(0, 3);
  broker_.require(rocketmq::Credentials{.access_key = "user", .secret_key = "right"});
  EXPECT_EQ(read(whole({{Config::kAccessKey, "user"}, {Config::kSecretKey, "right"}})
                     .set_start_from_earliest(),
                 3)
                .size(),
            3U);
  const Status refused = run(RocketMQSourceFunction(
      SimpleStringDeserializationSchema(),
      properties({{Config::kAccessKey, "user"}, {Config::kSecretKey, "wrong-secret"}})));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.to_string(), ::testing::Not(HasSubstr("wrong-secret")));
}

}  // namespace
}  // namespace slipstream::stream
