// Against a real RocketMQ, as live_test.cc: messages that are popped one by one.
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/pop_consumer.h"

#include "base/testing/wait_until.h"

namespace slipstream::rocketmq {
namespace {

// SLIPSTREAM_TEST_OLD_BROKERS: their version, before 5.0.
TEST(LiveOldPopTest, ABrokerBefore5IsRefusedWithItsVersion) {
  const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
  const char* topic = std::getenv("SLIPSTREAM_TEST_POP_TOPIC");
  const char* version = std::getenv("SLIPSTREAM_TEST_OLD_BROKERS");
  if (address == nullptr || topic == nullptr || version == nullptr)
    GTEST_SKIP() << "SLIPSTREAM_TEST_OLD_BROKERS or a name server or a topic is not set";
  const auto client = Client::connect({.name_servers = address});
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  const auto consumer = PopConsumer::create(**client, {.group = "pop_old", .topic = topic});
  ASSERT_TRUE(consumer.ok());
  Error error;
  EXPECT_TRUE(wait_until([&] {
    const auto popped = (*consumer)->poll(1'000);
    if (!popped.ok()) error = popped.error();
    return !popped.ok();
  }));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find(version), std::string::npos) << error.message;
}

class LivePopTest : public ::testing::Test {
 protected:
  // SLIPSTREAM_TEST_POP_TOPIC: holds SLIPSTREAM_TEST_POP_COUNT messages, each another body.
  void SetUp() override {
    const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
    const char* topic = std::getenv("SLIPSTREAM_TEST_POP_TOPIC");
    if (address == nullptr || topic == nullptr)
      GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_POP_TOPIC is not set";
    topic_ = topic;
    count_ = std::strtoul(std::getenv("SLIPSTREAM_TEST_POP_COUNT"), nullptr, 10);
    auto connected = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
    ASSERT_TRUE(connected.ok()) << connected.error().to_string();
    client_ = std::move(*connected);
  }
  std::unique_ptr<PopConsumer> create(const std::string& group, std::int64_t invisible_ms,
                                      std::int32_t reconsume_times_max = 16) {
    auto created = PopConsumer::create(*client_, {.group = group,
                                                  .topic = topic_,
                                                  .invisible_ms = invisible_ms,
                                                  .poll_ms = 2'000,
                                                  .from = StartPosition::earliest(),
                                                  .reconsume_times_max = reconsume_times_max});
    EXPECT_TRUE(created.ok());
    return created.ok() ? std::move(*created) : nullptr;
  }
  // Gives what comes to `take` until `enough`.
  static bool poll_until(PopConsumer& consumer, const std::function<bool()>& enough,
                         const std::function<void(std::vector<PoppedMessage>&)>& take) {
    return wait_until([&] {
      auto popped = consumer.poll(1'000);
      EXPECT_TRUE(popped.ok()) << (popped.ok() ? "" : popped.error().to_string());
      if (popped.ok()) take(*popped);
      return !popped.ok() || enough();
    });
  }

  std::string topic_;
  std::size_t count_ = 0;
  std::unique_ptr<Client> client_;
};

// Half of the messages are acknowledged; the other half comes again, all of it and nothing else, and
// is acknowledged then, some after their time was changed. In the end the group has nothing left.
TEST_F(LivePopTest, WhatIsNotAcknowledgedComesAgainAndNothingIsLost) {
  const std::string group = "pop_" + topic_;
  auto consumer = create(group, 20'000);
  std::map<std::string, PopHandle> first;
  ASSERT_TRUE(poll_until(
      *consumer, [&] { return first.size() >= count_; },
      [&](std::vector<PoppedMessage>& popped) {
        for (const PoppedMessage& each : popped) {
          EXPECT_TRUE(first.emplace(each.message.body, each.handle).second) << each.message.body;
          EXPECT_EQ(each.handle.reconsume_times, 0);
        }
      }))
      << first.size();
  std::vector<PopHandle> acknowledged;
  std::set<std::string> open;
  for (const auto& [body, handle] : first) {
    if (acknowledged.size() < count_ / 2)
      acknowledged.push_back(handle);
    else
      open.insert(body);
  }
  EXPECT_TRUE(consumer->ack(acknowledged.back()).ok());
  acknowledged.pop_back();
  for (const Status& each : consumer->ack(acknowledged)) EXPECT_TRUE(each.ok());

  std::set<std::string> again;
  std::set<std::string> changed;
  ASSERT_TRUE(poll_until(
      *consumer, [&] { return again.size() >= open.size(); },
      [&](std::vector<PoppedMessage>& popped) {
        std::vector<PopHandle> done;
        for (PoppedMessage& each : popped) {
          EXPECT_TRUE(open.contains(each.message.body)) << each.message.body;
          EXPECT_TRUE(again.insert(each.message.body).second) << each.message.body;
          EXPECT_EQ(each.message.topic, topic_);
          EXPECT_EQ(each.handle.reconsume_times, 1);
          EXPECT_LT(each.handle.first_pop_ms, each.handle.invisible_until_ms - 20'000);
          if (changed.size() < 10) {
            auto longer = consumer->change_invisible(each.handle, 60'000);
            ASSERT_TRUE(longer.ok()) << longer.error().to_string();
            EXPECT_NE(longer->check_point, each.handle.check_point);
            each.handle = *longer;
            changed.insert(each.message.body);
          }
          done.push_back(each.handle);
        }
        for (const Status& each : consumer->ack(done)) EXPECT_TRUE(each.ok());
      }))
      << again.size();
  EXPECT_EQ(again, open);
  // The offset of the group follows when the broker has settled what was popped.
  Admin admin(*client_);
  EXPECT_TRUE(wait_until([&] {
    const auto popped = consumer->poll(500);
    EXPECT_TRUE(popped.ok() && popped->empty());
    const auto lag = admin.lag(group, topic_);
    if (!lag.ok() || lag->empty()) return false;
    for (const QueueLag& queue : *lag) {
      if (queue.committed != queue.max_offset) return false;
    }
    return true;
  }));
}

// Long before their invisible time is over.
TEST_F(LivePopTest, WhatAClosedConsumerHadComesAgain) {
  const std::string group = "closed_" + topic_;
  auto closed = create(group, 3'600'000);
  std::size_t left = count_;
  ASSERT_TRUE(poll_until(
      *closed, [&] { return left < count_; },
      [&](std::vector<PoppedMessage>& popped) {
        for (const PoppedMessage& each : popped) EXPECT_TRUE(closed->ack(each.handle).ok());
        left -= popped.size();
      }));
  EXPECT_TRUE(closed->poll(0)->empty());
  closed->close();
  auto consumer = create(group, 3'600'000);
  std::size_t got = 0;
  EXPECT_TRUE(poll_until(
      *consumer, [&] { return got >= left; },
      [&](std::vector<PoppedMessage>& popped) { got += popped.size(); }))
      << got << " of " << left;
  EXPECT_EQ(got, left);
}

TEST_F(LivePopTest, WhatWasGivenOftenEnoughIsADeadLetter) {
  const std::string group = "dead_" + topic_;
  auto consumer = create(group, 3'000, 0);
  std::set<std::string> given;
  ASSERT_TRUE(poll_until(
      *consumer, [&] { return given.size() >= count_; },
      [&](std::vector<PoppedMessage>& popped) {
        std::vector<PopHandle> done;
        for (const PoppedMessage& each : popped) {
          if (given.size() >= 5) done.push_back(each.handle);
          given.insert(each.message.body);
        }
        for (const Status& each : consumer->ack(done)) EXPECT_TRUE(each.ok());
      }));
  const std::string dead_letters = "%DLQ%" + group;
  Admin admin(*client_);
  EXPECT_TRUE(poll_until(
      *consumer,
      [&] {
        const auto bounds = admin.bounds(dead_letters);
        return bounds.ok() && !bounds->empty() && bounds->front().max_offset == 5;
      },
      [](std::vector<PoppedMessage>& popped) { EXPECT_TRUE(popped.empty()); }));
}

}  // namespace
}  // namespace slipstream::rocketmq
