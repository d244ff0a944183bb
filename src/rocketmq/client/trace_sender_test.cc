// What producers and members of groups report, as it lies in the trace topic.
#include <algorithm>
#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/rocketmq/transaction_producer.h"

#include "base/testing/wait_until.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::Fault;
using testing::ScriptedBroker;
using testing::ScriptedBrokerOptions;
using Kind = TraceEvent::Kind;

class TraceSenderTest : public ::testing::Test {
 protected:
  TraceSenderTest() : TraceSenderTest(ScriptedBrokerOptions{.region = "hangzhou"}) {}
  explicit TraceSenderTest(ScriptedBrokerOptions options) : broker_(std::move(options)) {
    broker_.create_topic("T", 1);
    client_ = *Client::connect({.name_servers = broker_.name_server(), .call_timeout_ms = 20'000});
  }

  static ProducerOptions traced() {
    return {.group = "P", .attempt_timeout_ms = 20'000, .trace = {.enabled = true}};
  }
  static GroupConsumerOptions traced_member() {
    return {.group = "G",
            .subscriptions = {{.topic = "T"}},
            .from = StartPosition::earliest(),
            .threads = 1,
            .batch_max = 3,
            .trace = {.enabled = true}};
  }
  std::vector<ReceivedMessage> trace_messages(std::string_view topic = kTraceTopic) {
    return broker_.messages({std::string(topic), "broker-a", 0});
  }
  std::vector<TraceEvent> events(std::string_view topic = kTraceTopic) {
    std::vector<TraceEvent> all;
    for (const ReceivedMessage& message : trace_messages(topic)) {
      TraceRecords records = decode_trace(message.body);
      EXPECT_EQ(records.unreadable, 0U);
      all.insert(all.end(), records.events.begin(), records.events.end());
    }
    return all;
  }
  static std::string properties(std::string_view id, std::string_view keys,
                                std::string_view trace_on = "true") {
    PropertiesBuilder builder;
    EXPECT_TRUE(builder.add(property::kUniqueKey, id).ok());
    EXPECT_TRUE(builder.add(property::kKeys, keys).ok());
    EXPECT_TRUE(builder.add(property::kRegion, "hangzhou").ok());
    EXPECT_TRUE(builder.add(property::kTraceOn, trace_on).ok());
    return builder.text();
  }
  // Sends to the trace topic, and no others.
  void disturb_traces(Fault fault) {
    broker_.disturb([this, fault](RequestCode code) -> std::optional<Fault> {
      if (code != RequestCode::kSendMessageV2 || broker_.last_field(code, "b") != kTraceTopic)
        return std::nullopt;
      return fault;
    });
  }

  ScriptedBroker broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(TraceSenderTest, EachStoredMessageIsReported) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  SendResult sent;
  SendResult batch;
  {
    Producer producer(*client_, traced());
    sent = producer.send_and_wait(
        {.topic = "T", .body = "one", .tags = "red", .keys = {"k1", "k2"}, .unique_key = "U1"});
    ASSERT_TRUE(sent.stored());
    ASSERT_TRUE(
        producer
            .send_and_wait({.topic = "T", .body = "later", .delay_level = 1, .unique_key = "U2"})
            .stored());
    batch = producer.send_batch_and_wait({{.topic = "T", .body = "three", .unique_key = "U3"},
                                          {.topic = "T", .body = "four", .unique_key = "U4"}});
    ASSERT_TRUE(batch.stored());
    EXPECT_EQ(producer.dropped_traces(), 0U);
  }
  const auto messages = trace_messages();
  ASSERT_EQ(messages.size(), 1U) << "gathered";
  EXPECT_EQ(messages[0].keys, (std::vector<std::string>{"U1", "U2", "U3", "U4", "k1", "k2"}));
  EXPECT_EQ(broker_.last_field(RequestCode::kSendMessageV2, "a"),
            "_INNER_TRACE_PRODUCER-P-PRODUCE");
  const auto all = events();
  ASSERT_EQ(all.size(), 4U);
  const TraceEvent& first = all[0];
  EXPECT_EQ(first.kind, Kind::kSent);
  EXPECT_GT(first.time_ms, 1'600'000'000'000);
  EXPECT_EQ(first.region, "hangzhou");
  EXPECT_EQ(first.group, "P");
  EXPECT_EQ(first.topic, "T");
  EXPECT_EQ(first.message_id, "U1");
  EXPECT_EQ(first.offset_message_id, sent.offset_message_id);
  EXPECT_EQ(first.tags, "red");
  EXPECT_EQ(first.keys, "k1 k2");
  EXPECT_EQ(first.store_host.substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(first.body_bytes, 3);
  EXPECT_EQ(first.success, true);
  EXPECT_EQ(first.message_type, "normal");
  EXPECT_EQ(all[1].message_type, "delay");
  EXPECT_EQ(all[2].message_id, "U3");
  EXPECT_EQ(all[2].offset_message_id, batch.offset_message_id);
  EXPECT_EQ(all[3].message_id, "U4");
  EXPECT_NE(all[3].offset_message_id, batch.offset_message_id);
  EXPECT_EQ(all[3].body_bytes, 4);
}

TEST_F(TraceSenderTest, WhatWaitsIsSentAfterAWhile) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  Producer producer(*client_, traced());
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "one"}).stored());
  EXPECT_TRUE(wait_until([&] { return !trace_messages().empty(); }));
}

TEST_F(TraceSenderTest, RefusedAndWeaklyStoredMessagesAreTold) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  {
    Producer producer(*client_, traced());
    broker_.inject(RequestCode::kSendMessageV2, {.kind = Fault::Kind::kCodeAfter, .code = 10});
    ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "weak"}).stored());
    broker_.inject(RequestCode::kSendMessageV2, {.kind = Fault::Kind::kCode, .code = 13});
    ASSERT_FALSE(producer.send_and_wait({.topic = "T", .body = "refused"}).stored());
  }
  const auto all = events();
  ASSERT_EQ(all.size(), 1U) << "as the Java client, only what was stored";
  EXPECT_EQ(all[0].success, false);
}

TEST_F(TraceSenderTest, ATransactionsEndIsReported) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  {
    TransactionProducer producer(*client_, {.producer = traced()}, [](const ReceivedMessage&) {
      return TransactionState::kRollback;
    });
    const auto sent = producer.send_and_wait(
        {.topic = "T", .body = "half", .keys = {"k1"}, .unique_key = "U1"},
        [](const Message&, const std::string&) { return TransactionState::kUnknown; });
    ASSERT_TRUE(sent.sent.stored());
    ASSERT_TRUE(wait_until([&] { return broker_.check_transactions() == 1; }));
    ASSERT_TRUE(wait_until([&] { return broker_.half_messages_open() == 0; }));
  }
  const auto all = events();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].message_type, "half");
  EXPECT_EQ(all[1].kind, Kind::kTransactionEnded);
  EXPECT_EQ(all[1].transaction_state, "UNKNOW");
  EXPECT_FALSE(all[1].from_check);
  EXPECT_EQ(all[2].transaction_id, "U1");
  EXPECT_EQ(all[2].transaction_state, "ROLLBACK_MESSAGE");
  EXPECT_EQ(all[2].keys, "k1");
  EXPECT_TRUE(all[2].from_check);
}

TEST_F(TraceSenderTest, NoSendWaitsOrFailsForATrace) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  disturb_traces({.kind = Fault::Kind::kSilence});
  Producer producer(*client_, traced());
  std::vector<Message> batch(100, Message{.topic = "T", .body = "x"});
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(producer.send_batch_and_wait(batch).stored());
  // 128 batches of 20 are on their way.
  EXPECT_GE(producer.dropped_traces(), 3'000U - 128 * 20);
  client_->close();
  EXPECT_TRUE(wait_until([&] { return producer.dropped_traces() == 3'000; }));
}

TEST_F(TraceSenderTest, WithoutATraceTopicAllIsDroppedAndCounted) {
  Producer producer(*client_, traced());
  ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "one"}).stored());
  EXPECT_TRUE(wait_until([&] { return producer.dropped_traces() == 1; }));
}

TEST_F(TraceSenderTest, KeysThatNoMessageHasRoomForAreNotIndexed) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  const std::string long_key(20'000, 'k');
  {
    Producer producer(*client_, traced());
    for (const char* id : {"U1", "U2"}) {
      ASSERT_TRUE(
          producer.send_and_wait({.topic = "T", .body = "b", .keys = {long_key}, .unique_key = id})
              .stored());
    }
  }
  const auto messages = trace_messages();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[1].keys, std::vector<std::string>{"U2"});
  EXPECT_EQ(events()[1].keys, long_key);
}

TEST_F(TraceSenderTest, CallsOfAListenerAreReportedBeforeAndAfter) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  for (const char* id : {"U0", "U1", "U2"})
    broker_.append({"T", "broker-a", 0}, id, properties(id, "k1"));
  std::atomic<int> calls{0};
  auto member = GroupConsumer::start(*client_, traced_member(), [&](Delivery& delivery) {
    delivery.done_count = 2;
    return ++calls, ConsumeResult::kSuccess;
  });
  ASSERT_TRUE(member.ok());
  ASSERT_TRUE(wait_until([&] { return calls >= 1; }));
  (*member)->close();
  EXPECT_EQ((*member)->dropped_traces(), 0U);
  const auto all = events();
  ASSERT_GE(all.size(), 6U) << "all three came with one call";
  for (std::size_t i = 0; i < 3; ++i) {
    const TraceEvent& before = all[i];
    EXPECT_EQ(before.kind, Kind::kDelivered);
    EXPECT_EQ(before.message_id, "U" + std::to_string(i));
    EXPECT_EQ(before.group, "G");
    EXPECT_EQ(before.region, "hangzhou");
    EXPECT_EQ(before.keys, "k1");
    const TraceEvent& after = all[3 + i];
    EXPECT_EQ(after.kind, Kind::kConsumed);
    EXPECT_EQ(after.message_id, before.message_id);
    EXPECT_EQ(after.request_id, before.request_id);
    EXPECT_EQ(after.success, i < 2);
    EXPECT_EQ(after.consume_outcome, i < 2 ? "success" : "failed");
    EXPECT_EQ(after.group, "G");
    EXPECT_GE(after.time_ms, before.time_ms);
  }
}

TEST_F(TraceSenderTest, EachResultHasItsName) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  broker_.append({"T", "broker-a", 0}, "later", properties("U0", "k"));
  broker_.append({"T", "broker-a", 0}, "throws", properties("U1", "k"));
  broker_.append({"T", "broker-a", 0}, "untraced", properties("U2", "k", "false"));
  GroupConsumerOptions options = traced_member();
  options.batch_max = 1;
  options.reconsume_times_max = 0;  // a dead letter: nothing comes again
  std::atomic<int> calls{0};
  auto member = GroupConsumer::start(*client_, options, [&](Delivery& delivery) {
    ++calls;
    if (delivery.messages[0].body == "throws") throw std::runtime_error("no");
    return ConsumeResult::kLater;
  });
  ASSERT_TRUE(member.ok());
  ASSERT_TRUE(wait_until([&] { return calls == 3; }));
  (*member)->close();
  const auto all = events();
  ASSERT_EQ(all.size(), 4U) << "the broker says not to report the third";
  EXPECT_EQ(all[1].consume_outcome, "failed");
  EXPECT_EQ(all[3].consume_outcome, "exception");
  EXPECT_EQ(all[3].success, false);
}

TEST_F(TraceSenderTest, OnTheCloudChannelEachRegionHasItsTopic) {
  const std::string topic = std::string(kCloudTraceTopicPrefix) + "hangzhou";
  broker_.create_topic(topic, 1);
  broker_.append({"T", "broker-a", 0}, "two", properties("U2", "k"));
  {
    ProducerOptions options = traced();
    options.trace.access_channel = AccessChannel::kCloud;
    Producer producer(*client_, options);
    ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "one"}).stored());
    GroupConsumerOptions member_options = traced_member();
    member_options.trace.access_channel = AccessChannel::kCloud;
    std::atomic<int> calls{0};
    auto member = GroupConsumer::start(*client_, member_options,
                                       [&](Delivery&) { return ++calls, ConsumeResult::kSuccess; });
    ASSERT_TRUE(member.ok());
    ASSERT_TRUE(wait_until([&] { return calls >= 1; }));
  }
  const auto all = events(topic);
  const auto consumed = std::find_if(all.begin(), all.end(), [](const TraceEvent& event) {
    return event.kind == Kind::kConsumed && event.message_id == "U2";
  });
  ASSERT_NE(consumed, all.end());
  EXPECT_EQ(consumed->group, "") << "neither group nor time are said there";
  EXPECT_EQ(consumed->time_ms, 0);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [](const TraceEvent& event) { return event.kind == Kind::kSent; }));
}

class UntracedBrokerTest : public TraceSenderTest {
 protected:
  UntracedBrokerTest() : TraceSenderTest(ScriptedBrokerOptions{.trace_on = false}) {}
};

TEST_F(UntracedBrokerTest, ABrokerSwitchesTracesOff) {
  broker_.create_topic(std::string(kTraceTopic), 1);
  {
    Producer producer(*client_, traced());
    ASSERT_TRUE(producer.send_and_wait({.topic = "T", .body = "one"}).stored());
  }
  EXPECT_TRUE(trace_messages().empty());
}

}  // namespace
}  // namespace slipstream::rocketmq
