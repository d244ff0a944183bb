// Static topics: logical queues that move from broker to broker.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/lite_pull_consumer.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/rocketmq/transaction_producer.h"

#include "base/testing/wait_until.h"
#include "rocketmq/testing/group_consumer_fixture.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

constexpr std::int64_t kMovedTo = 10'000;  // logical offsets leave a gap when a queue moves

class StaticTopicTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_static_topic("T", 2);
    // Routes are old unless a broker says so.
    auto connected = Client::connect({.name_servers = broker_.name_server(),
                                      .call_timeout_ms = 20'000,
                                      .route_refresh_ms = 600'000});
    ASSERT_TRUE(connected.ok());
    client_ = std::move(*connected);
  }
  void fill(const MessageQueue& queue, int count, int first = 0) {
    for (int i = first; i < first + count; ++i)
      broker_.append(broker_.part_of(queue), std::to_string(i));
  }
  void move_to_b(std::int64_t unseen = 0) {
    broker_.move_queue(queue_, "broker-b", kMovedTo, unseen);
  }
  // Bodies in the order in which they came.
  static void read(Consumer& consumer, std::size_t count, std::vector<ReceivedMessage>& into) {
    EXPECT_TRUE(wait_until([&] {
      consumer.renew_proofs();
      const auto messages = consumer.receive(100);
      EXPECT_TRUE(messages.ok()) << messages.status().to_string();
      if (messages.ok()) into.insert(into.end(), messages->begin(), messages->end());
      return !messages.ok() || into.size() >= count;
    }));
  }
  static void expect_numbers(const std::vector<ReceivedMessage>& messages, int count) {
    ASSERT_EQ(messages.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(messages[static_cast<std::size_t>(i)].body, std::to_string(i));
  }
  GroupConsumerOptions group_options() const {
    GroupConsumerOptions options{.group = "g", .subscriptions = {{.topic = "T"}}};
    options.from = StartPosition::earliest();
    options.commit_interval_ms = 20;
    return options;
  }

  ScriptedBroker broker_{{.brokers = {"broker-a", "broker-b"}}};
  std::unique_ptr<Client> client_;
  const MessageQueue queue_{"T", "__syslo__global__", 0};
  const MessageQueue other_{"T", "__syslo__global__", 1};
};

TEST_F(StaticTopicTest, ItsLogicalQueuesAreDescribedAndRead) {
  Admin admin(*client_);
  const auto topic = admin.describe_topic("T");
  ASSERT_TRUE(topic.ok());
  EXPECT_TRUE(topic->static_topic);
  EXPECT_EQ(topic->readable_queues(), (std::vector<MessageQueue>{queue_, other_}));
  EXPECT_EQ(topic->writable_queues(), topic->readable_queues());
  EXPECT_EQ(broker_.part_of(other_).broker, "broker-b");
  fill(other_, 5);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(other_, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> messages;
  read(consumer, 5, messages);
  expect_numbers(messages, 5);
  EXPECT_EQ(messages[0].queue(), other_) << "the record names the queue of the broker";
  EXPECT_EQ(broker_.last_field(RequestCode::kPullMessage, "bname"), "broker-b");
  EXPECT_EQ(broker_.last_field(RequestCode::kPullMessage, "queueId"), "1");
}

TEST_F(StaticTopicTest, AQueueThatMovesIsReadOnWithoutLossOrDouble) {
  fill(queue_, 1'000);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> messages;
  read(consumer, 500, messages);
  move_to_b();
  fill(queue_, 1'000, 1'000);
  read(consumer, 2'000, messages);
  expect_numbers(messages, 2'000);
  EXPECT_EQ(messages[999].queue_offset, 999);
  EXPECT_EQ(messages[1'000].queue_offset, kMovedTo);
  EXPECT_TRUE(wait_until([&] {
    consumer.renew_proofs();
    return consumer.progress()[0].proven_empty_ms >= 0;
  }));
  EXPECT_EQ(consumer.progress()[0].position, kMovedTo + 1'000);
  EXPECT_EQ(consumer.out_of_range_count(), 0U);
}

TEST_F(StaticTopicTest, ALongPollAtTheFormerBrokerIsNotWaitedFor) {
  fill(queue_, 3);
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 300'000, .call_timeout_ms = 600'000});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> messages;
  read(consumer, 3, messages);
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  move_to_b();
  fill(queue_, 3, 3);
  read(consumer, 6, messages);
  expect_numbers(messages, 6);
}

TEST_F(StaticTopicTest, ALongPollThatEndsAtTheFormerBrokerFindsTheNewOne) {
  Consumer consumer(*client_, {.group = "g", .suspend_ms = 50});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls() == 1; }));
  move_to_b();
  fill(queue_, 3);
  const auto frame = consumer.poll_wait(120'000);
  ASSERT_TRUE(frame.ok());
  ASSERT_TRUE(wait_until([&] {
    return consumer.receive(100).ok() && consumer.progress()[0].position == kMovedTo + 3;
  }));
}

// What the former broker had stored and not indexed when it was asked for its end comes with each
// pull of it.
TEST_F(StaticTopicTest, MessagesBehindTheEndOfAPartAreReadOnce) {
  fill(queue_, 100);
  move_to_b(3);
  fill(queue_, 10, 100);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> messages;
  read(consumer, 110, messages);
  EXPECT_TRUE(wait_until([&] { return consumer.progress()[0].position == kMovedTo + 10; }));
  EXPECT_TRUE(consumer.receive(0)->empty());
  expect_numbers(messages, 110);
}

TEST_F(StaticTopicTest, APlaceInAFormerPartIsFoundAgain) {
  fill(queue_, 100);
  move_to_b();
  fill(queue_, 10, 100);
  for (const auto& [start, offset] : std::map<std::int64_t, std::int64_t>{
           {40, 40}, {100, kMovedTo}, {5'000, kMovedTo}, {kMovedTo + 4, kMovedTo + 4}}) {
    Consumer consumer(*client_, {.group = "g"});
    ASSERT_TRUE(consumer.assign(queue_, StartPosition::offset(start)).ok());
    std::vector<ReceivedMessage> messages;
    read(consumer, 1, messages);
    ASSERT_FALSE(messages.empty());
    EXPECT_EQ(messages[0].queue_offset, offset);
  }
}

TEST_F(StaticTopicTest, OffsetsAreAskedForWhereTheQueueIs) {
  Admin admin(*client_);
  for (int i = 0; i < 10; ++i)
    broker_.append(broker_.part_of(queue_), std::to_string(i), {}, 1'000 + i);
  EXPECT_EQ(*admin.max_offset(queue_), 10);
  ASSERT_TRUE(admin.set_group_offset("g", queue_, 4).ok());
  move_to_b();
  for (int i = 0; i < 10; ++i)
    broker_.append(broker_.part_of(queue_), std::to_string(i), {}, 2'000 + i);
  EXPECT_EQ(*admin.max_offset(queue_), kMovedTo + 10) << "the route was an old one";
  EXPECT_EQ(broker_.last_field(RequestCode::kMaxOffset, "bname"), "broker-b");
  EXPECT_EQ(*admin.min_offset(queue_), 0);
  EXPECT_EQ(*admin.offset_at(queue_, 1'005), 5);
  EXPECT_EQ(*admin.offset_at(queue_, 2'005), kMovedTo + 5);
  EXPECT_EQ(**admin.group_offset("g", queue_), 4);
  ASSERT_TRUE(admin.set_group_offset("g", queue_, kMovedTo + 1).ok());
  const auto lag = admin.lag("g", "T");
  ASSERT_TRUE(lag.ok()) << lag.status().to_string();
  ASSERT_EQ(lag->size(), 2U);
  EXPECT_EQ(lag->front().committed, kMovedTo + 1);
  const auto frame = admin.pull_once("g", queue_, kMovedTo, 1);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->offset_delta, kMovedTo);
}

TEST_F(StaticTopicTest, SendsFollowTheQueueInTheirOrder) {
  Producer producer(*client_, {.group = "p", .attempts_max = 3});
  EXPECT_EQ(*producer.queues("T"), (std::vector<MessageQueue>{queue_, other_}));
  const auto send = [&](int n) {
    Message message{.topic = "T", .body = std::to_string(n)};
    message.queue = queue_;
    return producer.send_and_wait(std::move(message));
  };
  for (int n = 0; n < 5; ++n) EXPECT_EQ(send(n).queue_offset, n);
  move_to_b();
  for (int n = 5; n < 10; ++n) {
    const SendResult sent = send(n);
    ASSERT_TRUE(sent.stored()) << sent.error.to_string();
    EXPECT_EQ(sent.queue, queue_);
    EXPECT_EQ(sent.queue_offset, kMovedTo + n - 5);
  }
  EXPECT_EQ(broker_.last_field(RequestCode::kSendMessageV2, "n"), "broker-b");
  std::vector<Message> batch(3, Message{.topic = "T", .body = "x"});
  batch.front().queue = queue_;
  EXPECT_EQ(producer.send_batch_and_wait(batch).queue_offset, kMovedTo + 5);
  EXPECT_EQ(broker_.max_offset(broker_.part_of(queue_)), 8);
  Consumer consumer(*client_, {.group = "g"});
  ASSERT_TRUE(consumer.assign(queue_, StartPosition::earliest()).ok());
  std::vector<ReceivedMessage> messages;
  read(consumer, 13, messages);
  messages.resize(10);
  expect_numbers(messages, 10);
}

TEST_F(StaticTopicTest, AKeyKeepsItsQueueWhereverThatIs) {
  Producer producer(*client_, {.group = "p"});
  const std::int32_t id = static_cast<std::int32_t>(Producer::queue_of_key("k", 2));
  const auto send = [&] {
    Message message{.topic = "T", .body = "x"};
    message.sharding_key = "k";
    return producer.send_and_wait(std::move(message)).queue;
  };
  EXPECT_EQ(send().id, id);
  const MessageQueue queue{"T", "__syslo__global__", id};
  broker_.move_queue(queue, id == 0 ? "broker-b" : "broker-a", kMovedTo);
  EXPECT_EQ(send(), queue);
}

TEST_F(StaticTopicTest, AGroupReadsOnAndWhatFailedComesAgain) {
  fill(queue_, 20);
  fill(other_, 20, 100);
  testing::Seen seen;
  auto started = GroupConsumer::start(*client_, group_options(), [&](Delivery& delivery) {
    seen.add(delivery);
    const std::string& body = delivery.messages[0].body;
    return (body == "3" || body == "25") && seen.times(body) == 1 ? ConsumeResult::kLater
                                                                  : ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(started.ok()) << started.status().to_string();
  EXPECT_TRUE(wait_until([&] { return seen.distinct() == 40 && seen.times("3") == 2; }));
  move_to_b();
  fill(queue_, 20, 20);
  EXPECT_TRUE(wait_until([&] { return seen.distinct() == 60 && seen.times("25") == 2; }));
  EXPECT_EQ(seen.total(), 62) << "all once, those that failed twice";
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", queue_) == kMovedTo + 20; }));
  EXPECT_EQ((*started)->assigned().size(), 4U) << "and one of each broker's retry topic";
}

TEST_F(StaticTopicTest, OrderlyMembersLockItWhereItIs) {
  fill(queue_, 10);
  GroupConsumerOptions how = group_options();
  how.orderly = true;
  how.lock_interval_ms = 50;
  testing::Seen seen;
  auto started = GroupConsumer::start(*client_, how, [&](Delivery& delivery) {
    seen.add(delivery);
    return ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(started.ok());
  EXPECT_TRUE(wait_until([&] { return seen.total() == 10; }));
  EXPECT_FALSE(broker_.lock_holder("g", queue_).empty());
  move_to_b();
  fill(queue_, 10, 10);
  EXPECT_TRUE(wait_until([&] { return seen.total() == 20; }));
  std::vector<std::int64_t> offsets;
  for (int i = 0; i < 20; ++i) offsets.push_back(i < 10 ? i : kMovedTo + i - 10);
  EXPECT_EQ(seen.offsets(queue_), offsets);
}

TEST_F(StaticTopicTest, ALitePullMemberReadsOn) {
  fill(queue_, 5);
  auto started = LitePullConsumer::start(*client_, {.group = "g",
                                                    .subscriptions = {{.topic = "T"}},
                                                    .from = StartPosition::earliest(),
                                                    .commit_interval_ms = 20});
  ASSERT_TRUE(started.ok());
  std::vector<ReceivedMessage> messages;
  const auto poll_until = [&](std::size_t count) {
    return wait_until([&] {
      const auto polled = (*started)->poll(100);
      EXPECT_TRUE(polled.ok());
      if (polled.ok()) messages.insert(messages.end(), polled->begin(), polled->end());
      return !polled.ok() || messages.size() >= count;
    });
  };
  EXPECT_TRUE(poll_until(5));
  move_to_b();
  fill(queue_, 5, 5);
  EXPECT_TRUE(poll_until(10));
  expect_numbers(messages, 10);
  ASSERT_TRUE((*started)->commit().ok());
  EXPECT_EQ(broker_.group_offset("g", queue_), kMovedTo + 5);
}

TEST_F(StaticTopicTest, TransactionsCouldBeLostAndAreRefused) {
  TransactionProducer producer(*client_, {.producer = {.group = "p"}},
                               [](const ReceivedMessage&) { return TransactionState::kUnknown; });
  const TransactionResult sent = producer.send_and_wait(
      {.topic = "T", .body = "x"},
      [](const Message&, const std::string&) { return TransactionState::kCommit; });
  EXPECT_EQ(sent.sent.outcome, SendOutcome::kRefused);
  EXPECT_NE(sent.sent.error.message.find("'T' is a static topic"), std::string::npos)
      << sent.sent.error.message;
}

}  // namespace
}  // namespace slipstream::rocketmq
