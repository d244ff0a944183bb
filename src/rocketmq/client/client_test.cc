#include "slipstream/rocketmq/client.h"

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/producer.h"

#include "base/log.h"
#include "base/testing/wait_until.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/queue_choice.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

std::unique_ptr<Client> connect(const std::string& name_servers) {
  auto client = Client::connect(
      {.name_servers = name_servers, .call_timeout_ms = 2'000, .start_timeout_ms = 5'000});
  EXPECT_TRUE(client.ok()) << client.status().to_string();
  return std::move(*client);
}

TEST(ClientTest, AnUnreachableNameServerIsAnErrorThatNamesIt) {
  std::string address;
  {
    ScriptedBroker gone;
    address = gone.name_server();
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto client = Client::connect({.name_servers = address, .start_timeout_ms = 600});
  ASSERT_FALSE(client.ok());
  EXPECT_NE(client.error().message.find(address), std::string::npos) << client.error().message;
  // Finding 28.
  EXPECT_NE(client.error().message.find("refused"), std::string::npos) << client.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

// Finding 28: said at the first try and at the end, however long the pauses between tries are.
TEST(ClientTest, ARefusedConnectionIsSaidAtOnce) {
  std::string address;
  {
    ScriptedBroker gone;
    address = gone.name_server();
  }
  std::vector<std::string> lines;
  set_log_sink(
      [&](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); });
  const auto client = Client::connect({.name_servers = address, .start_timeout_ms = 3'000});
  set_log_sink({});
  ASSERT_FALSE(client.ok());
  EXPECT_NE(client.error().message.find("refused"), std::string::npos) << client.error().message;
  // one cause, without the wait that ran out around it
  EXPECT_EQ(client.error().message.find("no result"), std::string::npos) << client.error().message;
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("refused"), std::string::npos) << lines[0];
}

TEST(ClientTest, ANameServerThatIsAwayLaterIsSaidAsSuch) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  auto client = Client::connect({.name_servers = broker.name_server(), .call_timeout_ms = 300});
  ASSERT_TRUE(client.ok());
  Admin admin(**client);
  ASSERT_TRUE(admin.describe_topic("T").ok());
  broker.set_name_server_up(false);
  for (int i = 0; i < 3; ++i) {
    const auto topics = admin.list_topics();
    ASSERT_FALSE(topics.ok());
    EXPECT_NE(topics.error().message.find("refused"), std::string::npos) << topics.error().message;
  }
}

// Finding 22.
TEST(ClientTest, AClosedClientAnswersAtOnce) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  auto client = connect(broker.name_server());
  Admin admin(*client);
  Consumer consumer(*client, {.group = "g"});
  ASSERT_TRUE(consumer.assign({"T", "broker-a", 0}, StartPosition::earliest()).ok());
  broker.inject(RequestCode::kUpdateConsumerOffset,
                {.kind = Fault::Kind::kSilence, .code = 0, .remark = {}, .delay_ms = 0}, 2);
  std::vector<Status> commits;
  const auto commit = [&] {
    consumer.commit({{{"T", "broker-a", 0}, 0}, {{"T", "broker-a", 0}, 1}},
                    [&](const Status& status) { commits.push_back(status); });
  };
  commit();
  ASSERT_TRUE(
      wait_until([&] { return broker.requests_seen(RequestCode::kUpdateConsumerOffset) == 1; }));
  client->close();
  commit();
  ASSERT_EQ(commits.size(), 2U);
  for (const Status& status : commits) EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(admin.list_topics().error().code, ErrorCode::kCancelled);
  Result<std::int64_t> end = 0;
  admin.max_offset_async({"T", "broker-a", 0},
                         [&](Result<std::int64_t> answer) { end = std::move(answer); });
  EXPECT_EQ(end.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(consumer.receive(60'000).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(consumer.poll().error().code, ErrorCode::kCancelled);
  EXPECT_EQ(consumer.assign({"T", "broker-a", 1}, StartPosition::earliest()).error().code,
            ErrorCode::kCancelled);
}

TEST(ClientTest, AddressesAreChecked) {
  for (const char* bad : {"", ";", "host", "host:0", "a:1;b", "https://a:1"}) {
    const auto client = Client::connect({.name_servers = bad});
    ASSERT_FALSE(client.ok()) << bad;
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(internal::parse_name_servers("a:1; b:2;")->size(), 2U);
  EXPECT_EQ(internal::parse_name_servers("http://a:1")->front().to_string(), "a:1");
  const auto spins = Client::connect({.name_servers = "a:1", .heartbeat_interval_ms = 0});
  EXPECT_EQ(spins.error().code, ErrorCode::kInvalidArgument);
}

TEST(ClientTest, TheNextNameServerIsAskedWhenOneIsGone) {
  ScriptedBroker gone;
  ScriptedBroker there;
  there.create_topic("T", 2);
  gone.set_name_server_up(false);
  const auto client = connect(gone.name_server() + ";" + there.name_server());
  Admin admin(*client);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(admin.describe_topic("T").ok());
}

TEST(ClientTest, HeartbeatsKeepTheirIntervalAndNameTheUnit) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = Client::connect(
      {.name_servers = broker.name_server(), .heartbeat_interval_ms = 20, .unit_name = "unit-7"});
  ASSERT_TRUE(client.ok()) << client.status().to_string();
  Producer producer(**client, {.group = "g"});
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "x"}).stored());
  ASSERT_TRUE(wait_until([&] { return broker.requests_seen(RequestCode::kHeartbeat) >= 10; }))
      << "half a second at most, not the minutes of the default";
  EXPECT_NE(broker.last_heartbeat().find("@unit-7\""), std::string::npos)
      << broker.last_heartbeat();
}

TEST(ClientTest, AnOldRouteServesWhileNoNameServerAnswers) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  auto connected = Client::connect(
      {.name_servers = broker.name_server(), .call_timeout_ms = 1'000, .route_refresh_ms = 0});
  ASSERT_TRUE(connected.ok());
  Producer producer(**connected, {});
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "a"}).stored());
  broker.set_name_server_up(false);
  EXPECT_TRUE(producer.send_and_wait({.topic = "T", .body = "b"}).stored());
}

TEST(ClientTest, ServerRequestsAreAnsweredNotSupported) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = connect(broker.name_server());
  Producer producer(*client, {});
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "a"}).stored());
  broker.ask_clients(307);
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "b"}).stored());
  // The request and the second send cross each other.
  EXPECT_TRUE(wait_until(
      [&] { return broker.client_answers(response_code::kRequestCodeNotSupported) == 1; }));
}

// A client under a small quota, whose calls have a second once they have left.
class QuotaTest : public ::testing::Test {
 protected:
  static constexpr std::int32_t kQueues = 64;
  void SetUp() override {
    broker_.create_topic("T", kQueues);
    auto connected = Client::connect(
        {.name_servers = broker_.name_server(), .call_timeout_ms = 1'000, .calls_per_second = 20});
    ASSERT_TRUE(connected.ok()) << connected.status().to_string();
    client_ = std::move(*connected);
  }

  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(QuotaTest, PullsWaitBehindAllOthers) {
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 60'000, .call_timeout_ms = 61'000});
  for (std::int32_t id = 0; id < kQueues; ++id)
    ASSERT_TRUE(consumer.assign({"T", "broker-a", id}, StartPosition::offset(0)).ok());
  ASSERT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kPullMessage) > 0; }));
  Producer producer(*client_, {.group = "p", .attempt_timeout_ms = 1'000});
  const SendResult sent = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_TRUE(sent.stored()) << sent.error.to_string();
  EXPECT_EQ(sent.attempts, 1);
  Admin admin(*client_);
  EXPECT_TRUE(admin.max_offset({"T", "broker-a", 0}).ok());
  EXPECT_LT(broker_.requests_seen(RequestCode::kPullMessage), std::size_t{kQueues});
  EXPECT_TRUE(wait_until(
      [&] { return broker_.requests_seen(RequestCode::kPullMessage) >= std::size_t{kQueues}; }));
}

// Six seconds of sends: the last of them waits longer than it may be under way.
TEST_F(QuotaTest, ATimeOutBeginsWhenACallLeaves) {
  Producer producer(*client_, {.group = "p", .attempt_timeout_ms = 1'000});
  std::mutex mutex;
  std::vector<SendResult> results;
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "x"}).stored()) << "the route is known";
  for (int i = 0; i < 120; ++i) {
    ASSERT_TRUE(producer
                    .send({.topic = "T", .body = "x"},
                          [&](const SendResult& result) {
                            const std::lock_guard lock(mutex);
                            results.push_back(result);
                          })
                    .ok());
  }
  // Behind all of them.
  Admin admin(*client_);
  EXPECT_TRUE(admin.max_offset({"T", "broker-a", 0}).ok());
  ASSERT_TRUE(producer.flush(60'000).ok());
  const std::lock_guard lock(mutex);
  ASSERT_EQ(results.size(), 120U);
  for (const SendResult& result : results) {
    EXPECT_TRUE(result.stored()) << result.error.to_string();
    EXPECT_EQ(result.attempts, 1);
  }
}

TEST_F(QuotaTest, PullsHaveATurnAmongMany) {
  broker_.append({"T", "broker-a", 0}, "x");
  Producer producer(*client_, {.group = "p"});
  std::atomic<int> done = 0;
  constexpr int kSends = 100;
  for (int i = 0; i < kSends; ++i) {
    ASSERT_TRUE(
        producer.send({.topic = "T", .body = "y"}, [&](const SendResult&) { ++done; }).ok());
  }
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign({"T", "broker-a", 0}, StartPosition::offset(0)).ok());
  const auto messages = consumer.receive(60'000);
  ASSERT_TRUE(messages.ok() && !messages->empty());
  EXPECT_LT(done, kSends);
  ASSERT_TRUE(producer.flush(60'000).ok());
}

TEST(AdminTest, CreatesListsWidensAndDeletesTopics) {
  ScriptedBroker broker({.brokers = {"broker-a", "broker-b"}});
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  EXPECT_EQ(admin.describe_topic("T").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(admin.create_topic({.topic = "T", .read_queues = 2, .write_queues = 2}).ok());
  const auto described = admin.describe_topic("T");
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->readable_queues().size(), 4U);
  EXPECT_EQ(described->writable_queues().size(), 4U);
  ASSERT_TRUE(admin.widen_topic("T", 5).ok());
  EXPECT_EQ(admin.describe_topic("T")->readable_queues().size(), 10U);
  ASSERT_TRUE(admin.create_topic({.topic = "A"}).ok());
  EXPECT_EQ(*admin.list_topics(), (std::vector<std::string>{"A", "T"}));
  ASSERT_TRUE(admin.delete_topic("T").ok());
  EXPECT_EQ(*admin.list_topics(), std::vector<std::string>{"A"});
  EXPECT_EQ(admin.create_topic({.topic = "bad topic"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(admin.create_topic({.topic = "B", .brokers = {"nobody"}}).error().code,
            ErrorCode::kNotFound);
}

// Finding 30: silent, and the messages of the queues that went were out of sight.
TEST(AdminTest, CreatingATopicThatExistsLeavesItAlone) {
  ScriptedBroker broker({.brokers = {"broker-a", "broker-b"}});
  broker.create_topic("T", 4);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  const auto queues = [&] { return admin.describe_topic("T")->readable_queues().size(); };
  for (const std::int32_t wanted : {1, 4, 9}) {
    const Status created =
        admin.create_topic({.topic = "T", .read_queues = wanted, .write_queues = wanted});
    ASSERT_FALSE(created.ok());
    EXPECT_EQ(created.error().code, ErrorCode::kAlreadyExists);
    EXPECT_FALSE(created.error().retryable);
    EXPECT_NE(created.error().message.find("4 to read and 4 to write on broker-a"),
              std::string::npos)
        << created.to_string();
    EXPECT_NE(created.error().message.find("widen_topic()"), std::string::npos);
    EXPECT_EQ(queues(), 8U);
  }
  ASSERT_TRUE(admin
                  .create_topic(
                      {.topic = "T", .read_queues = 1, .write_queues = 1, .change_existing = true})
                  .ok());
  EXPECT_EQ(queues(), 2U);
  ASSERT_TRUE(admin.widen_topic("T", 3).ok());
  EXPECT_EQ(queues(), 6U);
  ASSERT_TRUE(admin.shrink_topic("T", 2).ok());
  EXPECT_EQ(queues(), 4U);
}

// Findings 20 and 21: the name server forgets the part of a topic whose broker is away.
TEST(AdminTest, ATopicOfABrokerThatIsAwayIsNotMissing) {
  ScriptedBroker broker({.brokers = {"broker-a", "broker-b"}});
  broker.create_topic("T", 1);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  ASSERT_TRUE(admin.describe_topic("T").ok());
  broker.inject(RequestCode::kRouteByTopic,
                {.kind = Fault::Kind::kCode,
                 .code = response_code::kTopicNotExist,
                 .remark = {},
                 .delay_ms = 0},
                3);  // the last two: asked for again
  broker.set_registered("broker-b", false);
  const auto away = admin.describe_topic("T");
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(away.error().retryable);
  EXPECT_NE(away.error().message.find("broker-b"), std::string::npos) << away.error().message;
  broker.set_registered("broker-b", true);
  EXPECT_EQ(admin.describe_topic("T").error().code, ErrorCode::kNotFound) << "deleted";
  for (const char* each : {"broker-a", "broker-b"}) broker.set_registered(each, false);
  EXPECT_EQ(admin.describe_topic("T").error().code, ErrorCode::kUnavailable);
}

TEST(AdminTest, OffsetsLagAndGroups) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const MessageQueue queue{"T", "broker-a", 0};
  for (int i = 0; i < 10; ++i) broker.append(queue, "x", {}, 1'000 + i * 10);
  broker.expire(queue, 2);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  EXPECT_EQ(*admin.min_offset(queue), 2);
  EXPECT_EQ(*admin.max_offset(queue), 10);
  std::promise<Result<std::int64_t>> end;
  admin.max_offset_async(queue, [&](Result<std::int64_t> answer) { end.set_value(answer); });
  EXPECT_EQ(*end.get_future().get(), 10);
  EXPECT_EQ(*admin.offset_at(queue, 1'045), 5);
  EXPECT_EQ(*admin.group_offset("g", queue), std::nullopt);
  ASSERT_TRUE(admin.set_group_offset("g", queue, 7).ok());
  EXPECT_EQ(*admin.group_offset("g", queue), 7);
  const auto lag = admin.lag("g", "T");
  ASSERT_EQ(lag->size(), 1U);
  EXPECT_EQ((*lag)[0].committed, 7);
  EXPECT_EQ((*lag)[0].max_offset, 10);
  const auto bounds = admin.bounds("T");
  EXPECT_EQ((*bounds)[0].min_offset, 2);
  EXPECT_EQ(admin.broker_state("T", "broker-a")->dispatch_behind_bytes, 0);
}

// Brokers 4.x answer 0 for a queue in which the group has no offset.
TEST(AdminTest, AnOffsetOfZeroIsLookedUpInTheTableOfAllOffsets) {
  ScriptedBroker broker;
  broker.create_topic("T", 2);
  const MessageQueue queue{"T", "broker-a", 0};
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  broker.set_group_offset("g", queue, 0);
  broker.set_answer(RequestCode::kGroupsOfTopic, R"({"groupList":["other"]})");
  EXPECT_EQ(*admin.group_offset("g", queue), std::nullopt);
  broker.set_answer(RequestCode::kGroupsOfTopic, R"({"groupList":["g"]})");
  EXPECT_EQ(*admin.group_offset("g", queue), 0) << "the table is refused";
  broker.set_answer(RequestCode::kAllConsumerOffsets, R"({"offsetTable":{"T@g":{1:4}}})");
  EXPECT_EQ(*admin.group_offset("g", queue), std::nullopt);
  broker.set_answer(RequestCode::kAllConsumerOffsets, R"({"offsetTable":{"T@g":{0:0,1:4}}})");
  EXPECT_EQ(*admin.group_offset("g", queue), 0);
  const std::size_t asked = broker.requests_seen(RequestCode::kAllConsumerOffsets);
  EXPECT_EQ(asked, 3U);
  broker.set_group_offset("g", queue, 4);
  EXPECT_EQ(*admin.group_offset("g", queue), 4);
  EXPECT_EQ(broker.requests_seen(RequestCode::kAllConsumerOffsets), asked);
}

TEST(AdminTest, EachBrokerIsAskedOnceForTheTableOfAllOffsets) {
  ScriptedBroker broker{{.brokers = {"broker-a", "broker-b"}}};
  broker.create_topic("T", 4);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  std::vector<MessageQueue> queues;
  for (const char* name : {"broker-a", "broker-b"}) {
    for (std::int32_t id = 0; id < 4; ++id) queues.push_back({"T", name, id});
  }
  for (const MessageQueue& queue : queues) broker.set_group_offset("g", queue, 0);
  broker.set_group_offset("g", queues[5], 7);
  broker.set_answer(RequestCode::kGroupsOfTopic, R"({"groupList":["g"]})");
  broker.set_answer(RequestCode::kAllConsumerOffsets, R"({"offsetTable":{"T@g":{0:0,1:0}}})");
  const auto offsets = admin.group_offsets("g", queues);
  ASSERT_TRUE(offsets.ok()) << offsets.error().to_string();
  using Offsets = std::vector<std::optional<std::int64_t>>;
  EXPECT_EQ(*offsets,
            (Offsets{0, 0, std::nullopt, std::nullopt, 0, 7, std::nullopt, std::nullopt}));
  EXPECT_EQ(broker.requests_seen(RequestCode::kGroupsOfTopic), 2U);
  EXPECT_EQ(broker.requests_seen(RequestCode::kAllConsumerOffsets), 2U);
  ASSERT_TRUE(admin.lag("g", "T").ok());
  EXPECT_EQ(broker.requests_seen(RequestCode::kAllConsumerOffsets), 4U);
}

TEST(AdminTest, AGroupsOwnRetryTopicIsNotThatOfAnotherThatPops) {
  ScriptedBroker broker;
  for (const char* topic : {"T", "%RETRY%a", "%RETRY%a_T", "%RETRY%a+T", "%RETRY%a+U"})
    broker.create_topic(topic, 1);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  using Topics = std::map<std::string, std::vector<std::string>>;
  const Topics groups{{"a", {"T"}}, {"a_T", {"T"}}, {"b", {"T"}}};
  broker.set_answer(RequestCode::kGroupsOfTopic, R"({"groupList":["a_T"]})");
  EXPECT_EQ(*admin.retry_topics(groups),
            (Topics{{"a", {"%RETRY%a", "%RETRY%a+T"}}, {"a_T", {"%RETRY%a_T"}}}));
  broker.set_answer(RequestCode::kGroupsOfTopic, R"({"groupList":["a","a_T"]})");
  EXPECT_EQ(admin.retry_topics(groups)->at("a"),
            (std::vector<std::string>{"%RETRY%a", "%RETRY%a+T", "%RETRY%a_T"}));
}

// Finding 44.
TEST(AdminTest, BoundsAndLagCountWhatWasAcknowledged) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  broker.set_dispatch_lag(300);
  const MessageQueue queue{"T", "broker-a", 0};
  broker.append(queue, "x");
  EXPECT_EQ(admin.await_dispatch("T", 0).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(admin.bounds("T")->front().max_offset, 1);
  broker.append(queue, "x");
  EXPECT_EQ(admin.lag("g", "T")->front().max_offset, 2);
  BrokerState silent;
  EXPECT_EQ(DispatchGoal().reached(silent).error().code, ErrorCode::kUnsupported);
}

TEST(AdminTest, ABrokerThatHasJustStartedIsAskedUntilItHasTakenASample) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  const auto fail = [&](const std::string& remark) {
    broker.inject(
        RequestCode::kBrokerRuntime,
        {.kind = Fault::Kind::kCode, .code = response_code::kSystemError, .remark = remark}, 2);
  };
  fail("java.util.NoSuchElementException, java.base/java.util.LinkedList.getLast");
  EXPECT_TRUE(admin.await_dispatch("T", 0).ok());
  EXPECT_EQ(broker.requests_seen(RequestCode::kBrokerRuntime), 3U);
  fail("the disk is full");
  EXPECT_FALSE(admin.await_dispatch("T", 0).ok());
  EXPECT_EQ(broker.requests_seen(RequestCode::kBrokerRuntime), 4U);
}

// What others store meanwhile does not count; a broker that lost its end has a new goal.
TEST(AdminTest, ADispatchGoalIsWhatWasThereAtTheFirstLook) {
  const auto state = [](std::int64_t log_end, std::int64_t behind) {
    BrokerState each;
    each.log_end = log_end;
    each.dispatch_behind_bytes = behind;
    return each;
  };
  DispatchGoal goal;
  EXPECT_FALSE(*goal.reached(state(100, 20)));
  EXPECT_FALSE(*goal.reached(state(150, 60)));
  EXPECT_TRUE(*goal.reached(state(200, 100)));
  EXPECT_FALSE(*goal.reached(state(50, 10)));
  EXPECT_TRUE(*goal.reached(state(60, 10)));
}

// Finding 26.
TEST(AdminTest, ATopicIsCreatedWhenABrokerHasRegistered) {
  ScriptedBroker broker;
  broker.set_registered("broker-a", false);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  std::vector<std::string> lines;
  set_log_sink(
      [&](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); });
  const std::size_t asked = broker.requests_seen(RequestCode::kBrokerCluster);
  std::thread registers([&] {
    EXPECT_TRUE(
        wait_until([&] { return broker.requests_seen(RequestCode::kBrokerCluster) > asked + 1; }));
    broker.set_registered("broker-a", true);
  });
  const Status created = admin.create_topic({.topic = "T"});
  registers.join();
  set_log_sink({});
  EXPECT_TRUE(created.ok()) << created.to_string();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("no broker is registered"), std::string::npos) << lines[0];
}

TEST(AdminTest, PullsOnceAndFindsByUniqueKey) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const MessageQueue queue{"T", "broker-a", 0};
  broker.append(queue, "x", "UNIQ_KEY\x01K1\x02");
  broker.append(queue, "y", "UNIQ_KEY\x01K2\x02");
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  EXPECT_EQ(admin.pull_once("g", queue, 0, 10)->next_offset, 2);
  EXPECT_TRUE(admin.pull_once("g", queue, 2, 10)->records.empty());
  EXPECT_EQ(admin.pull_once("g", queue, 3, 10).error().code, ErrorCode::kOutOfRange);
  const auto found = admin.find_by_unique_key("T", "K2");
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].body, "y");
  EXPECT_TRUE(admin.find_by_unique_key("T", "K3")->empty());
}

TEST(AdminTest, ALostConnectionIsTriedAgain) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = connect(broker.name_server());
  Admin admin(*client);
  for (const RequestCode request : {RequestCode::kRouteByTopic, RequestCode::kMaxOffset}) {
    broker.inject(request,
                  {.kind = Fault::Kind::kDropBefore, .code = 0, .remark = {}, .delay_ms = 0}, 2);
  }
  EXPECT_EQ(*admin.max_offset({"T", "broker-a", 0}), 0);
}

TEST(QueueChoiceTest, HashAndOrderConfigurationAsJava) {
  // |"tagA".hashCode() % 4| = 3552231 % 4
  EXPECT_EQ(internal::queue_of_key("tagA", 4), 3U);
  RouteData route;
  route.brokers = {
      BrokerData{.name = "a", .cluster = "c", .addresses = {{0, "h:1"}}, .acting_master = false},
      BrokerData{.name = "b", .cluster = "c", .addresses = {{1, "h:2"}}, .acting_master = false}};
  route.queues = {QueueData{.broker = "a", .read_queues = 3, .write_queues = 2, .perm = 6},
                  QueueData{.broker = "b", .read_queues = 2, .write_queues = 2, .perm = 6}};
  EXPECT_EQ(internal::writable_queues(route, "T").size(), 2U);  // b has no master
  EXPECT_EQ(internal::readable_queues(route, "T").size(), 5U);
  route.order_config = "a:1;b:2";
  EXPECT_EQ(internal::writable_queues(route, "T").size(), 3U);
  const std::vector<MessageQueue> queues = {{"T", "a", 0}, {"T", "a", 1}, {"T", "b", 0}};
  EXPECT_EQ(internal::round_robin(queues, 4, "").id, 1);
  EXPECT_EQ(internal::round_robin(queues, 4, "a").broker, "b");
  EXPECT_EQ(internal::round_robin({queues[0]}, 4, "a").broker, "a");
}

}  // namespace
}  // namespace slipstream::rocketmq
