// Against a real RocketMQ, as live_test.cc: messages that are popped one by one.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/pop_consumer.h"
#include "slipstream/rocketmq/producer.h"

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

// SLIPSTREAM_TEST_BATCH_TOPIC: a topic with queue.type=BatchCQ that holds {"seq":0} to {"seq":49} in
// batches of 5.
TEST(LiveBatchPopTest, BatchesComeAgainWholeWhereTheirRetryTopicStoresThem) {
  const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
  const char* name = std::getenv("SLIPSTREAM_TEST_BATCH_TOPIC");
  if (address == nullptr || name == nullptr)
    GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_BATCH_TOPIC is not set";
  const std::string topic = name;
  const auto client = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  PopOptions options{.group = "batches",
                     .topic = topic,
                     .invisible_ms = 20'000,
                     .poll_ms = 2'000,
                     .from = StartPosition::earliest()};
  const auto refused = PopConsumer::create(**client, options);
  ASSERT_TRUE(refused.ok());
  Error error;
  ASSERT_TRUE(wait_until([&] {
    const auto popped = (*refused)->poll(1'000);
    if (!popped.ok()) error = popped.error();
    return !popped.ok();
  }));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("'%RETRY%batches_" + topic + "'"), std::string::npos)
      << error.message;

  Admin admin(**client);
  TopicSpec retry{.topic = "%RETRY%batches_" + topic, .read_queues = 1, .write_queues = 1};
  retry.attributes = {{"queue.type", "BatchCQ"}};
  const Status created = admin.create_topic(retry);
  ASSERT_TRUE(created.ok()) << created.error().to_string();
  const auto consumer = PopConsumer::create(**client, options);
  ASSERT_TRUE(consumer.ok());
  const auto seq_of = [](const PoppedMessage& each) {
    return std::strtol(each.message.body.c_str() + std::string("{\"seq\":").size(), nullptr, 10);
  };
  std::map<long, PoppedMessage> first;
  ASSERT_TRUE(wait_until([&] {
    const auto popped = (*consumer)->poll(1'000);
    EXPECT_TRUE(popped.ok()) << (popped.ok() ? "" : popped.error().to_string());
    if (!popped.ok()) return true;
    for (const PoppedMessage& each : *popped) first.emplace(seq_of(each), each);
    return first.size() >= 50;
  }));
  ASSERT_EQ(first.size(), 50U);
  std::vector<PopHandle> done;  // every other batch, and of the others all but one message
  for (const auto& [seq, each] : first) {
    if (seq / 5 % 2 == 0 || seq % 5 != 0) done.push_back(each.handle);
  }
  for (const Status& each : (*consumer)->ack(done)) EXPECT_TRUE(each.ok());
  std::set<long> again;
  ASSERT_TRUE(wait_until([&] {
    const auto popped = (*consumer)->poll(1'000);
    EXPECT_TRUE(popped.ok()) << (popped.ok() ? "" : popped.error().to_string());
    if (!popped.ok()) return true;
    done.clear();
    for (const PoppedMessage& each : *popped) {
      EXPECT_EQ(seq_of(each) / 5 % 2, 1) << each.message.body;
      EXPECT_EQ(each.message.topic, topic);
      EXPECT_GE(each.handle.reconsume_times, 1);
      again.insert(seq_of(each));
      done.push_back(each.handle);
    }
    for (const Status& each : (*consumer)->ack(done)) EXPECT_TRUE(each.ok());
    return again.size() >= 25;
  }));
  EXPECT_EQ(again.size(), 25U) << "whole";
}

// SLIPSTREAM_TEST_ORDERED_TOPIC: an empty topic with 4 queues.
class LiveOrderedPopTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kInvisibleMs = 20'000;
  static constexpr std::int64_t kCount = 100;  // in each queue

  struct Member {
    std::unique_ptr<Client> client;
    std::unique_ptr<PopConsumer> consumer;
  };

  void SetUp() override {
    const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
    const char* topic = std::getenv("SLIPSTREAM_TEST_ORDERED_TOPIC");
    if (address == nullptr || topic == nullptr)
      GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_ORDERED_TOPIC is not set";
    address_ = address;
    topic_ = topic;
  }
  void fill() {
    const auto client = Client::connect({.name_servers = address_, .call_timeout_ms = 10'000});
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    Admin admin(**client);
    const auto description = admin.describe_topic(topic_);
    ASSERT_TRUE(description.ok()) << description.error().to_string();
    Producer producer(**client, {.group = "in_order"});
    for (const MessageQueue& queue : description->writable_queues()) {
      std::vector<Message> messages(kCount);
      for (Message& each : messages) {
        each.topic = topic_;
        each.body = "x";
        each.queue = queue;
      }
      const SendResult sent = producer.send_batch_and_wait(messages);
      ASSERT_TRUE(sent.stored()) << sent.error.to_string();
      acknowledged_[queue] = 0;
    }
  }
  Member join() const {
    Member member;
    auto client = Client::connect({.name_servers = address_, .call_timeout_ms = 10'000});
    EXPECT_TRUE(client.ok());
    member.client = std::move(*client);
    auto consumer = PopConsumer::create(*member.client, {.group = "in_order",
                                                         .topic = topic_,
                                                         .invisible_ms = kInvisibleMs,
                                                         .batch_max = 8,
                                                         .poll_ms = 1'000,
                                                         .from = StartPosition::earliest(),
                                                         .ordered = true});
    EXPECT_TRUE(consumer.ok());
    member.consumer = std::move(*consumer);
    return member;
  }
  // Each run begins with the first message that is not acknowledged, and has no gap.
  std::vector<PoppedMessage> poll(const Member& member) {
    auto popped = member.consumer->poll(1'000);
    EXPECT_TRUE(popped.ok()) << (popped.ok() ? "" : popped.error().to_string());
    if (!popped.ok()) return {};
    std::map<MessageQueue, std::int64_t> next = acknowledged_;
    for (const PoppedMessage& each : *popped)
      EXPECT_EQ(each.handle.offset, next[each.handle.queue]++) << each.handle.queue.to_string();
    return std::move(*popped);
  }
  void acknowledge(const Member& member, const std::vector<PoppedMessage>& popped) {
    std::vector<PopHandle> done;
    for (const PoppedMessage& each : popped) {
      done.push_back(each.handle);
      ++acknowledged_[each.handle.queue];
    }
    for (const Status& each : member.consumer->ack(done)) EXPECT_TRUE(each.ok());
  }
  std::int64_t acknowledged() const {
    std::int64_t sum = 0;
    for (const auto& [queue, count] : acknowledged_) sum += count;
    return sum;
  }

  std::string address_;
  std::string topic_;
  std::map<MessageQueue, std::int64_t> acknowledged_;
};

TEST_F(LiveOrderedPopTest, TwoMembersKeepTheOrderOfEachQueueWhileOneDies) {
  fill();
  ASSERT_EQ(acknowledged_.size(), 4U);
  Member one = join();
  const Member other = join();
  ASSERT_TRUE(wait_until([&] {
    for (const Member* each : {&std::as_const(one), &other}) acknowledge(*each, poll(*each));
    return acknowledged() >= 2 * kCount || HasFailure();
  })) << acknowledged();
  // It dies with what it has.
  std::vector<PoppedMessage> lost;
  ASSERT_TRUE(wait_until([&] {
    lost = poll(one);
    return !lost.empty() || HasFailure();
  }));
  one.consumer.reset();
  one.client.reset();
  std::map<MessageQueue, std::int64_t> held_until_ms;
  for (const PoppedMessage& each : lost)
    held_until_ms[each.handle.queue] = each.handle.invisible_until_ms;
  std::size_t again = 0;
  EXPECT_TRUE(wait_until([&] {
    const auto popped = poll(other);
    for (const PoppedMessage& each : popped) {
      const auto held = held_until_ms.find(each.handle.queue);
      if (held == held_until_ms.end()) continue;
      EXPECT_GE(each.handle.invisible_until_ms - kInvisibleMs / 2, held->second);
      again += each.handle.reconsume_times > 0 ? 1 : 0;
    }
    acknowledge(other, popped);
    return acknowledged() >= 4 * kCount || HasFailure();
  })) << acknowledged();
  EXPECT_GE(again, lost.size());
  Admin admin(*other.client);
  EXPECT_TRUE(wait_until([&] {
    const auto lag = admin.lag("in_order", topic_);
    return lag.ok() && lag->size() == 4 &&
           std::all_of(lag->begin(), lag->end(),
                       [](const QueueLag& each) { return each.committed == kCount; });
  }));
}

}  // namespace
}  // namespace slipstream::rocketmq
