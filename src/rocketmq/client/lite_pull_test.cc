#include <set>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/lite_pull_consumer.h"

#include "base/testing/wait_until.h"
#include "rocketmq/testing/group_consumer_fixture.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

class LitePullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 2);
    client_ = connect();
  }
  std::unique_ptr<Client> connect() { return testing::connect_member(broker_); }
  static LitePullOptions options() {
    return {.group = "g",
            .subscriptions = {{.topic = "T"}},
            .from = StartPosition::earliest(),
            .commit_interval_ms = 20};
  }
  std::unique_ptr<LitePullConsumer> start(Client& client, LitePullOptions options) {
    auto started = LitePullConsumer::start(client, std::move(options));
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().to_string());
    return started.ok() ? std::move(*started) : nullptr;
  }
  void fill(const MessageQueue& queue, int count) {
    for (int i = 0; i < count; ++i) broker_.append(queue, std::to_string(i));
  }
  // Polls until there were so many at least; a long poll may bring fewer than were stored.
  static std::vector<ReceivedMessage> poll(LitePullConsumer& consumer, std::size_t count) {
    std::vector<ReceivedMessage> got;
    EXPECT_TRUE(wait_until([&] {
      const auto messages = consumer.poll(1'000);
      EXPECT_TRUE(messages.ok());
      if (messages.ok()) got.insert(got.end(), messages->begin(), messages->end());
      return !messages.ok() || got.size() >= count;
    }));
    return got;
  }

  ScriptedBroker broker_;
  const MessageQueue first_{"T", "broker-a", 0};
  const MessageQueue second_{"T", "broker-a", 1};
  std::unique_ptr<Client> client_;
};

TEST_F(LitePullTest, WhatWasPolledIsWrittenWithTheNextPoll) {
  fill(first_, 5);
  auto consumer = start(*client_, options());
  EXPECT_EQ(poll(*consumer, 5).size(), 5U);
  fill(second_, 3);
  ASSERT_TRUE(wait_until([&] { return broker_.group_offset("g", second_) == 0; }))
      << "the queue was written where it began";
  EXPECT_LE(broker_.group_offset("g", first_), 0) << "it may not be handled yet";
  EXPECT_EQ(poll(*consumer, 3).size(), 3U);
  EXPECT_TRUE(wait_until([&] { return broker_.group_offset("g", first_) == 5; }));
  EXPECT_TRUE(consumer->commit().ok());
  EXPECT_EQ(broker_.group_offset("g", second_), 3);
  EXPECT_NE(broker_.last_heartbeat().find("CONSUME_ACTIVELY"), std::string::npos);
  EXPECT_EQ(broker_.last_heartbeat().find("%RETRY%"), std::string::npos);
  consumer->close();
  EXPECT_EQ(consumer->poll(0).error().code, ErrorCode::kCancelled);
}

TEST_F(LitePullTest, WithoutAutoCommitNothingIsWrittenUnasked) {
  fill(first_, 5);
  LitePullOptions how = options();
  how.auto_commit = false;
  auto consumer = start(*client_, how);
  poll(*consumer, 1);
  EXPECT_TRUE(consumer->poll(100)->empty());
  consumer->close();
  EXPECT_EQ(broker_.requests_seen(RequestCode::kUpdateConsumerOffset), 0U);
}

TEST_F(LitePullTest, SeeksBothWays) {
  fill(first_, 10);
  LitePullOptions how = options();
  how.batch_max = 4;
  auto consumer = start(*client_, how);
  EXPECT_EQ(poll(*consumer, 1)[0].queue_offset, 0);
  ASSERT_TRUE(consumer->seek(first_, 8).ok());
  EXPECT_EQ(poll(*consumer, 1)[0].queue_offset, 8);
  ASSERT_TRUE(consumer->seek(first_, 2).ok());
  const auto back = poll(*consumer, 1);
  ASSERT_EQ(back.size(), 4U);
  EXPECT_EQ(back[0].queue_offset, 2);
  EXPECT_TRUE(consumer->commit().ok());
  EXPECT_EQ(broker_.group_offset("g", first_), 6);
  EXPECT_EQ(consumer->seek({"U", "broker-a", 0}, 0).error().code, ErrorCode::kNotFound);
}

TEST_F(LitePullTest, OnlyWhatCannotBeReadIsPassedOver) {
  fill(first_, 4);
  broker_.damage_body(first_, 1);
  auto consumer = start(*client_, options());
  std::set<std::string> bodies;
  for (const ReceivedMessage& message : poll(*consumer, 3)) bodies.insert(message.body);
  EXPECT_EQ(bodies, (std::set<std::string>{"0", "2", "3"}));
}

TEST_F(LitePullTest, AfterTheEndThereIsNothingToPoll) {
  auto consumer = start(*client_, options());
  consumer->close();
  EXPECT_EQ(consumer->poll(0).status().ok(), false);
  EXPECT_EQ(consumer->poll(0).error().code, ErrorCode::kCancelled);
  consumer = start(*client_, options());
  ASSERT_TRUE(wait_until([&] { return consumer->assigned().size() == 2; }));
  client_->close();
  EXPECT_TRUE(wait_until([&] {
    const auto polled = consumer->poll(10);
    return !polled.ok() && polled.error().code == ErrorCode::kCancelled;
  }));
}

TEST_F(LitePullTest, MembersShareQueues) {
  const auto other = connect();
  auto one = start(*client_, options());
  auto two = start(*other, options());
  EXPECT_TRUE(
      wait_until([&] { return one->assigned().size() == 1 && two->assigned().size() == 1; }));
  EXPECT_EQ(LitePullConsumer::start(*client_, options()).error().code, ErrorCode::kAlreadyExists);
  two->close();
  EXPECT_TRUE(wait_until([&] { return one->assigned().size() == 2; }));
}

TEST_F(LitePullTest, GivenQueuesAreReadWhateverTheGroupDoes) {
  fill(second_, 3);
  LitePullOptions how = options();
  how.subscriptions.clear();
  how.queues = {second_};
  auto consumer = start(*client_, how);
  EXPECT_EQ(poll(*consumer, 3).size(), 3U);
  EXPECT_EQ(consumer->assigned(), std::vector<MessageQueue>{second_});
  EXPECT_TRUE(broker_.members("g").empty());
  how.subscriptions = {{.topic = "T"}};
  EXPECT_EQ(LitePullConsumer::start(*client_, how).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(LitePullTest, PausedQueuesGiveNothing) {
  auto consumer = start(*client_, options());
  ASSERT_TRUE(wait_until([&] { return consumer->assigned().size() == 2; }));
  consumer->pause(first_);
  fill(first_, 2);
  // A pull that is parked behind a message shows that the message is here.
  ASSERT_TRUE(wait_until([&] { return broker_.parked_pulls(2) >= 1; }));
  fill(second_, 1);
  EXPECT_EQ(poll(*consumer, 1)[0].queue_id, 1);
  EXPECT_TRUE(consumer->poll(50)->empty());
  consumer->resume(first_);
  EXPECT_EQ(poll(*consumer, 2).size(), 2U);
}

}  // namespace
}  // namespace slipstream::rocketmq
