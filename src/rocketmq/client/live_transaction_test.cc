// Against a real RocketMQ, as live_test.cc: transactions, check-back by the broker included.
#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/transaction_producer.h"

#include "base/testing/wait_until.h"

namespace slipstream::rocketmq {
namespace {

// SLIPSTREAM_TEST_TRANSACTION_TOPIC: a topic that exists; the messages stay in it for other readers.
TEST(LiveTransactionTest, EveryWayToEndIsSeenByAReader) {
  const char* address = std::getenv("SLIPSTREAM_TEST_NAME_SERVER");
  const char* topic = std::getenv("SLIPSTREAM_TEST_TRANSACTION_TOPIC");
  if (address == nullptr || topic == nullptr)
    GTEST_SKIP() << "SLIPSTREAM_TEST_NAME_SERVER or SLIPSTREAM_TEST_TRANSACTION_TOPIC is not set";
  auto client = Client::connect({.name_servers = address, .call_timeout_ms = 10'000});
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  std::atomic<int> asked{0};
  TransactionProducer producer(
      **client,
      {.producer = {.group = std::string("transactions_") + topic, .attempt_timeout_ms = 10'000}},
      [&](const ReceivedMessage& message) {
        ++asked;
        EXPECT_EQ(message.topic, topic);
        return message.body.starts_with("asked-commit") ? TransactionState::kCommit
                                                        : TransactionState::kRollback;
      });
  const std::map<std::string, TransactionState> answers = {
      {"commit", TransactionState::kCommit},
      {"rollback", TransactionState::kRollback},
      {"asked-commit", TransactionState::kUnknown},
      {"asked-rollback", TransactionState::kUnknown}};
  std::set<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    for (const auto& [name, state] : answers) {
      const std::string body = name + "-" + std::to_string(i);
      const TransactionResult result = producer.send_and_wait(
          {.topic = topic, .body = body, .tags = name, .keys = {body}},
          [state = state](const Message&, const std::string&) { return state; });
      ASSERT_TRUE(result.sent.stored()) << result.sent.error.to_string();
      ASSERT_TRUE(result.ended.ok()) << result.ended.to_string();
      if (name.find("commit") != std::string::npos) expected.insert(body);
    }
  }
  Admin admin(**client);
  Consumer consumer(**client, {.group = std::string("readers_") + topic});
  const auto description = admin.describe_topic(topic);
  ASSERT_TRUE(description.ok());
  for (const MessageQueue& queue : description->readable_queues())
    ASSERT_TRUE(consumer.assign(queue, StartPosition::earliest()).ok());
  std::set<std::string> got;
  ASSERT_TRUE(wait_until([&] {
    const auto messages = consumer.receive(1'000);
    EXPECT_TRUE(messages.ok());
    if (!messages.ok()) return true;
    for (const ReceivedMessage& message : *messages) got.insert(message.body);
    return got.size() >= expected.size() && asked >= 20;
  })) << got.size()
      << " of " << expected.size() << ", asked " << asked;
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace slipstream::rocketmq
