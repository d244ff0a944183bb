// Against a real RocketMQ, as live_test.cc: message traces that this client sends.
#include <atomic>
#include <cstdlib>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "base/testing/wait_until.h"

namespace slipstream::rocketmq {
namespace {

// SLIPSTREAM_TEST_TRACED_TOPIC: a topic that exists and is empty. Its message has the id below, for other
// readers.
TEST(LiveTraceTest, WhatBecameOfAMessageIsReported) {
  const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
  const char* topic = std::getenv("SLIPSTREAM_TEST_TRACED_TOPIC");
  if (address == nullptr || topic == nullptr)
    GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_TRACED_TOPIC is not set";
  auto client = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  Admin admin(**client);
  // A fresh broker's topic of traces is known to its name server a little later.
  ASSERT_TRUE(wait_until([&] { return admin.describe_topic(kTraceTopic).ok(); }));
  const std::string id = "0123456789ABCDEF0123456789ABCDEF";
  {
    Producer producer(
        **client,
        {.group = "traced_producer", .attempt_timeout_ms = 10'000, .trace = {.enabled = true}});
    ASSERT_TRUE(
        producer.send_and_wait({.topic = topic, .body = "followed", .tags = "t", .unique_key = id})
            .stored());
    std::atomic<int> calls{0};
    const auto consumer = GroupConsumer::start(**client,
                                               {.group = "traced_consumer",
                                                .subscriptions = {{.topic = topic}},
                                                .from = StartPosition::earliest(),
                                                .trace = {.enabled = true}},
                                               [&](Delivery&) {
                                                 ++calls;
                                                 return ConsumeResult::kSuccess;
                                               });
    ASSERT_TRUE(consumer.ok()) << consumer.error().to_string();
    ASSERT_TRUE(wait_until([&] { return calls == 1; }));
    (*consumer)->close();
    EXPECT_EQ((*consumer)->dropped_traces(), 0U);
  }
  TraceRecords records;
  ASSERT_TRUE(wait_until([&] {
    auto trace = admin.trace(id);
    if (trace.ok()) records = std::move(*trace);
    return records.events.size() == 3;
  })) << records.events.size();
  EXPECT_EQ(records.unreadable, 0U);
  const TraceEvent& sent = records.events[0];
  EXPECT_EQ(sent.kind, TraceEvent::Kind::kSent);
  EXPECT_EQ(sent.region, "DefaultRegion");
  EXPECT_EQ(sent.topic, topic);
  EXPECT_EQ(sent.tags, "t");
  EXPECT_EQ(sent.success, true);
  EXPECT_EQ(records.events[1].kind, TraceEvent::Kind::kDelivered);
  EXPECT_EQ(records.events[1].group, "traced_consumer");
  EXPECT_EQ(records.events[2].kind, TraceEvent::Kind::kConsumed);
  EXPECT_EQ(records.events[2].consume_outcome, "success");
}

}  // namespace
}  // namespace slipstream::rocketmq
