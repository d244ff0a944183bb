#include "slipstream/rocketmq/producer.h"

#include <atomic>
#include <future>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "base/testing/wait_until.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;

class ProducerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 2);
    auto connected =
        Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 2'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
  }
  std::int64_t stored() const {
    std::int64_t count = 0;
    for (const MessageQueue& queue : queues_) count += broker_.max_offset(queue);
    return count;
  }
  SendResult send_encoded_once(Producer& producer, const MessageQueue& queue) {
    BatchEncoder encoder;
    EXPECT_TRUE(encoder.add("one", "UNIQ_KEY\x01K1\x02").ok());
    EXPECT_TRUE(encoder.add("two", "UNIQ_KEY\x01K2\x02").ok());
    std::promise<SendResult> promise;
    const Status begun = producer.send_encoded(
        {.queue = queue, .body = std::make_shared<const std::string>(encoder.take()), .count = 2},
        SendRetry::kOnce, [&](const SendResult& result) { promise.set_value(result); });
    EXPECT_TRUE(begun.ok());
    return promise.get_future().get();
  }
  static Fault fault(Fault::Kind kind, std::int32_t code = 0, std::string remark = {}) {
    return {.kind = kind, .code = code, .remark = std::move(remark), .delay_ms = 0};
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  const std::vector<MessageQueue> queues_ = {
      {"T", "broker-a", 0}, {"T", "broker-a", 1}, {"T", "broker-b", 0}, {"T", "broker-b", 1}};
  std::unique_ptr<Client> client_;
};

TEST_F(ProducerTest, AMessageArrivesWithAllItsParts) {
  Producer producer(*client_, {});
  const SendResult result = producer.send_and_wait({.topic = "T",
                                                    .body = "hello",
                                                    .tags = "a",
                                                    .keys = {"k1", "k2"},
                                                    .properties = {{"color", "red"}},
                                                    .sharding_key = "s",
                                                    .queue = queues_[2],
                                                    .flag = 7});
  ASSERT_TRUE(result.stored()) << result.error.to_string();
  EXPECT_EQ(result.queue, queues_[2]);
  EXPECT_EQ(result.queue_offset, 0);
  EXPECT_EQ(result.attempts, 1);
  const auto stored = broker_.messages(queues_[2]);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].body, "hello");
  EXPECT_EQ(stored[0].tags, "a");
  EXPECT_EQ(stored[0].keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(stored[0].property("color"), "red");
  EXPECT_EQ(stored[0].sharding_key, "s");
  EXPECT_EQ(stored[0].flag, 7);
  EXPECT_EQ(stored[0].offset_message_id, result.offset_message_id);
}

TEST_F(ProducerTest, RoundRobinUsesEveryQueueAndKeysStayTogether) {
  Producer producer(*client_, {});
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "x"}).stored());
  for (const MessageQueue& queue : queues_) EXPECT_EQ(broker_.max_offset(queue), 2);
  std::set<MessageQueue> used;
  for (int i = 0; i < 5; ++i)
    used.insert(producer.send_and_wait({.topic = "T", .body = "x", .sharding_key = "tagA"}).queue);
  EXPECT_EQ(used, std::set<MessageQueue>{queues_[Producer::queue_of_key("tagA", 4)]});
}

TEST_F(ProducerTest, LargeBodiesAreCompressedAndComeBackWhole) {
  Producer producer(*client_, {.compress_above_bytes = 100});
  const std::string body(10'000, 'c');
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = body, .queue = queues_[0]}).stored());
  EXPECT_EQ(broker_.messages(queues_[0])[0].body, body);
}

TEST_F(ProducerTest, BatchesKeepTheirOrder) {
  Producer producer(*client_, {});
  std::vector<Message> batch;
  for (int i = 0; i < 100; ++i)
    batch.push_back({.topic = "T", .body = std::to_string(i), .queue = queues_[1]});
  const SendResult result = producer.send_batch_and_wait(batch);
  ASSERT_TRUE(result.stored()) << result.error.to_string();
  const auto stored = broker_.messages(queues_[1]);
  ASSERT_EQ(stored.size(), 100U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(stored[i].body, std::to_string(i));
    ids.insert(stored[i].message_id);
  }
  EXPECT_EQ(ids.size(), 100U);
}

// Finding 18.
TEST_F(ProducerTest, ABatchIsAsLargeAsItsMessagesSay) {
  Producer producer(*client_, {.message_bytes_max = 10'000});
  Message message{.topic = "T", .body = "", .tags = "a", .properties = {{"color", "red"}}};
  const std::size_t empty = *Producer::bytes_in_batch(message);
  message.body = std::string(10'000 - 2 * empty - 1, 'x');
  Message small = message;
  small.body = "y";
  EXPECT_EQ(*Producer::bytes_in_batch(message) + *Producer::bytes_in_batch(small), 10'000U);
  EXPECT_TRUE(producer.send_batch_and_wait({message, small}).stored());
  small.body = "yy";
  const SendResult refused = producer.send_batch_and_wait({message, small});
  EXPECT_EQ(refused.outcome, SendOutcome::kRefused);
  EXPECT_NE(refused.error.message.find("10000"), std::string::npos) << refused.error.message;
  EXPECT_TRUE(wait_until([&] { return producer.in_flight_count() == 0; }))
      << "a send counts until its callback has returned";
}

TEST_F(ProducerTest, BusyBrokersAreTriedAgainElsewhere) {
  Producer producer(*client_, {});
  broker_.inject(RequestCode::kSendMessageV2,
                 fault(Fault::Kind::kCode, response_code::kSystemBusy, "[TIMEOUT_CLEAN_QUEUE]"), 3);
  const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
  ASSERT_TRUE(result.stored()) << result.error.to_string();
  EXPECT_EQ(result.attempts, 4);
  EXPECT_EQ(stored(), 1);
}

TEST_F(ProducerTest, LateFlushesCountAsStored) {
  Producer producer(*client_, {});
  for (const std::int32_t code : {10, 11, 12}) {
    broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kCodeAfter, code));
    const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
    EXPECT_TRUE(result.stored()) << code;
    EXPECT_EQ(result.attempts, 1);
  }
  EXPECT_EQ(stored(), 3);
}

TEST_F(ProducerTest, ALostAnswerIsUnknownOrSentAgainAsWanted) {
  Producer careful(*client_, {.retry_unknown = false});
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropAfter));
  const SendResult unknown = careful.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_EQ(unknown.outcome, SendOutcome::kUnknown);
  EXPECT_EQ(unknown.attempts, 1);
  Producer eager(*client_, {});
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropAfter));
  EXPECT_TRUE(eager.send_and_wait({.topic = "T", .body = "y"}).stored());
  EXPECT_EQ(stored(), 3);  // x, and y twice
}

TEST_F(ProducerTest, AttemptsAreBounded) {
  Producer producer(*client_, {.attempts_max = 3});
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kDropBefore), 3);
  const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_EQ(result.outcome, SendOutcome::kUnknown);
  EXPECT_EQ(result.attempts, 3);
  EXPECT_TRUE(producer.send_and_wait({.topic = "T", .body = "x"}).stored());
}

TEST_F(ProducerTest, ATimeOutIsUnknown) {
  Producer producer(*client_, {.attempt_timeout_ms = 100, .retry_unknown = false});
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kSilence));
  const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_EQ(result.outcome, SendOutcome::kUnknown);
  EXPECT_EQ(result.error.code, ErrorCode::kTimeout);
}

TEST_F(ProducerTest, PermanentRefusalsAreNotRepeated) {
  Producer producer(*client_, {});
  broker_.inject(RequestCode::kSendMessageV2,
                 fault(Fault::Kind::kCode, response_code::kMessageIllegal, "too large"));
  const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_EQ(result.outcome, SendOutcome::kRefused);
  EXPECT_EQ(result.attempts, 1);
  EXPECT_NE(result.error.message.find("too large"), std::string::npos);
  EXPECT_EQ(producer.send_and_wait({.topic = "missing", .body = "x"}).outcome,
            SendOutcome::kRefused);
  EXPECT_EQ(producer.send_and_wait({.topic = "T", .body = ""}).outcome, SendOutcome::kRefused);
  EXPECT_EQ(
      producer.send_and_wait({.topic = "T", .body = std::string((4U << 20U) + 1, 'x')}).outcome,
      SendOutcome::kRefused);
}

// Finding 36: it ended the process.
TEST_F(ProducerTest, AnExceptionOutOfACallbackIsLoggedAndTheClientGoesOn) {
  Producer producer(*client_, {});
  Message message;
  message.topic = queues_[0].topic;
  message.body = "one";
  ASSERT_TRUE(
      producer.send(message, [](const SendResult&) { throw std::runtime_error("no"); }).ok());
  EXPECT_TRUE(producer.flush(20'000).ok());
  EXPECT_TRUE(producer.send_and_wait(message).stored());
  EXPECT_EQ(stored(), 2);
}

// Finding 37: what send_encoded() takes needed a header that is not installed.
TEST_F(ProducerTest, ABatchIsEncodedByPublicMeansAlone) {
  Producer producer(*client_, {});
  std::vector<Message> messages(2);
  for (Message& message : messages) {
    message.topic = queues_[3].topic;
    message.body = "again";
  }
  const auto batch = producer.encode(queues_[3], messages);
  ASSERT_TRUE(batch.ok()) << batch.status().to_string();
  for (int i = 0; i < 2; ++i) {
    std::promise<SendResult> promise;
    ASSERT_TRUE(producer
                    .send_encoded(*batch, SendRetry::kRetry,
                                  [&](const SendResult& result) { promise.set_value(result); })
                    .ok());
    EXPECT_TRUE(promise.get_future().get().stored());
  }
  const auto stored = broker_.messages(queues_[3]);
  ASSERT_EQ(stored.size(), 4U);
  EXPECT_EQ(stored[0].message_id, stored[2].message_id) << "the same batch, sent twice";
  EXPECT_NE(stored[0].message_id, stored[1].message_id);
  EXPECT_FALSE(producer.encode({"another", "broker-a", 0}, messages).ok());
}

TEST_F(ProducerTest, AnEncodedBatchIsTriedOnceAndSaysWhatBecameOfIt) {
  Producer producer(*client_, {.attempt_timeout_ms = 2'000, .fenced = true});
  const SendResult stored_result = send_encoded_once(producer, queues_[3]);
  EXPECT_EQ(stored_result.outcome, SendOutcome::kStored);
  EXPECT_EQ(stored_result.queue_offset, 0);
  EXPECT_EQ(broker_.messages(queues_[3])[1].message_id, "K2");

  broker_.inject(RequestCode::kSendBatchMessage,
                 fault(Fault::Kind::kCode, response_code::kSystemBusy));
  EXPECT_EQ(send_encoded_once(producer, queues_[3]).outcome, SendOutcome::kNotStored);
  broker_.inject(RequestCode::kSendBatchMessage,
                 fault(Fault::Kind::kCode, response_code::kSystemError, "oops"));
  EXPECT_EQ(send_encoded_once(producer, queues_[3]).outcome, SendOutcome::kUnknown);
  broker_.inject(RequestCode::kSendBatchMessage, fault(Fault::Kind::kSilence));
  EXPECT_EQ(send_encoded_once(producer, queues_[3]).outcome, SendOutcome::kUnknown);
  broker_.inject(RequestCode::kSendBatchMessage, fault(Fault::Kind::kDropAfter));
  EXPECT_EQ(send_encoded_once(producer, queues_[3]).outcome, SendOutcome::kUnknown);
  broker_.inject(RequestCode::kSendBatchMessage,
                 fault(Fault::Kind::kCode, response_code::kMessageIllegal));
  EXPECT_EQ(send_encoded_once(producer, queues_[3]).outcome, SendOutcome::kRefused);
  broker_.set_brokers_up(false);
  // The first may find the connection broken while it is being written.
  ASSERT_TRUE(wait_until(
      [&] { return send_encoded_once(producer, queues_[3]).outcome == SendOutcome::kNotStored; }));
  EXPECT_EQ(broker_.max_offset(queues_[3]), 6);
}

// Whoever lets it out knows until when it may arrive.
TEST_F(ProducerTest, AFencedSendThatWaitedTooLongForItsRouteDoesNotLeave) {
  Producer producer(*client_, {.attempt_timeout_ms = 50, .fenced = true});
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 100});
  const SendResult late = send_encoded_once(producer, queues_[3]);
  EXPECT_EQ(late.outcome, SendOutcome::kNotStored);
  EXPECT_NE(late.error.message.find("could not leave in time"), std::string::npos)
      << late.error.message;
  EXPECT_EQ(broker_.max_offset(queues_[3]), 0);
}

TEST_F(ProducerTest, FullMeansRefusedAndTheRoomCallbackComes) {
  Producer producer(*client_, {.in_flight_count_max = 2});
  std::atomic<int> done{0};
  std::atomic<int> room{0};
  producer.set_room_callback([&] { ++room; });
  broker_.inject(RequestCode::kSendMessageV2,
                 {.kind = Fault::Kind::kDelay, .code = 0, .remark = {}, .delay_ms = 100}, 2);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(producer
                    .send({.topic = "T", .body = "x"},
                          [&](const SendResult& result) { done += result.stored() ? 1 : 0; })
                    .ok());
  }
  const Status refused =
      producer.send({.topic = "T", .body = "x"}, [](const SendResult&) { ADD_FAILURE(); });
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  ASSERT_TRUE(producer.flush(10'000).ok());
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(wait_until([&] { return room == 1; }));
  EXPECT_EQ(producer.in_flight_bytes(), 0U);
}

TEST_F(ProducerTest, SendsSurviveABrokerOutage) {
  Producer producer(*client_, {});
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "x", .queue = queues_[0]}).stored());
  broker_.set_brokers_up(false);
  std::promise<SendResult> promise;
  ASSERT_TRUE(producer
                  .send({.topic = "T", .body = "y", .queue = queues_[0]},
                        [&](const SendResult& result) { promise.set_value(result); })
                  .ok());
  broker_.set_brokers_up(true);
  const SendResult result = promise.get_future().get();
  EXPECT_TRUE(result.stored()) << result.error.to_string();
  EXPECT_EQ(result.queue, queues_[0]);
}

// Finding 21: the name server forgets the topics of a broker that is away.
TEST_F(ProducerTest, ABrokerThatIsAwayIsNotAMissingTopic) {
  ScriptedBroker broker;
  broker.create_topic("T", 1);
  const auto client = Client::connect({.name_servers = broker.name_server()});
  ASSERT_TRUE(client.ok());
  Producer known(**client, {.total_timeout_ms = 1'500});
  ASSERT_TRUE(known.send_and_wait({.topic = "T", .body = "x"}).stored());
  broker.set_registered("broker-a", false);
  broker.set_brokers_up(false);
  // The first may find the connection broken while it is being written.
  SendResult lost;
  ASSERT_TRUE(wait_until([&] {
    lost = known.send_and_wait({.topic = "T", .body = "y"});
    return lost.outcome != SendOutcome::kUnknown;
  }));
  EXPECT_EQ(lost.outcome, SendOutcome::kNotStored) << lost.error.to_string();
  EXPECT_TRUE(lost.error.retryable);
  EXPECT_GT(lost.attempts, 4);
  // Another client has never seen the topic.
  const auto other = Client::connect({.name_servers = broker.name_server()});
  ASSERT_TRUE(other.ok());
  Producer producer(**other, {.total_timeout_ms = 20'000});
  EXPECT_EQ(producer.queues("T").error().code, ErrorCode::kUnavailable);
  std::promise<SendResult> promise;
  ASSERT_TRUE(producer
                  .send({.topic = "T", .body = "z"},
                        [&](const SendResult& result) { promise.set_value(result); })
                  .ok());
  const std::size_t asked = broker.requests_seen(RequestCode::kRouteByTopic);
  ASSERT_TRUE(
      wait_until([&] { return broker.requests_seen(RequestCode::kRouteByTopic) > asked + 5; }));
  broker.set_brokers_up(true);
  broker.set_registered("broker-a", true);
  const SendResult result = promise.get_future().get();
  EXPECT_TRUE(result.stored()) << result.error.to_string();
  EXPECT_EQ(producer.send_and_wait({.topic = "never", .body = "x"}).outcome, SendOutcome::kRefused);
}

// The name server knew no broker when it was asked for the topic, and one when it was asked why.
TEST_F(ProducerTest, ABrokerThatComesWhileTheTopicIsLookedForIsNotAMissingTopic) {
  broker_.inject(RequestCode::kRouteByTopic,
                 {.kind = Fault::Kind::kCode, .code = 17, .remark = "No topic route info"});
  Producer producer(*client_, {});
  const SendResult result = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_TRUE(result.stored()) << result.error.to_string();
}

// Finding 22.
TEST_F(ProducerTest, AClosedClientEndsSendsAtOnce) {
  Producer producer(*client_, {});
  broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kSilence));
  std::promise<SendResult> under_way;
  ASSERT_TRUE(producer
                  .send({.topic = "T", .body = "x"},
                        [&](const SendResult& result) { under_way.set_value(result); })
                  .ok());
  ASSERT_TRUE(wait_until([&] { return broker_.requests_seen(RequestCode::kSendMessageV2) == 1; }));
  client_->close();
  auto ended = under_way.get_future();
  ASSERT_EQ(ended.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  const SendResult cut = ended.get();
  EXPECT_EQ(cut.outcome, SendOutcome::kUnknown);
  EXPECT_EQ(cut.error.code, ErrorCode::kCancelled);
  const SendResult late = producer.send_and_wait({.topic = "T", .body = "x"});
  EXPECT_EQ(late.outcome, SendOutcome::kNotStored);
  EXPECT_EQ(late.error.code, ErrorCode::kCancelled);
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}, [](const SendResult&) { ADD_FAILURE(); })
                .error()
                .code,
            ErrorCode::kCancelled);
  EXPECT_EQ(producer.queues("T").error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(producer.flush(1'000).ok());
}

TEST_F(ProducerTest, DestructionGivesEverySendAnOutcome) {
  std::atomic<int> unknown{0};
  {
    Producer producer(*client_, {});
    broker_.inject(RequestCode::kSendMessageV2, fault(Fault::Kind::kSilence), 3);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(producer
                      .send({.topic = "T", .body = "x"},
                            [&](const SendResult& result) {
                              unknown += result.outcome == SendOutcome::kUnknown ? 1 : 0;
                            })
                      .ok());
    }
    ASSERT_TRUE(
        wait_until([&] { return broker_.requests_seen(RequestCode::kSendMessageV2) == 3; }));
  }
  EXPECT_EQ(unknown, 3);
}

}  // namespace
}  // namespace slipstream::rocketmq
